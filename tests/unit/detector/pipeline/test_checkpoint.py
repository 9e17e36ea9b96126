"""A checkpoint of the detector, whichever version wrote it, continues as if nothing had happened."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from crampwatch.detector.calibration.calibration import Calibration, ChannelCalibration, with_id
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import Event, Features, StateChange
from crampwatch.detector.pipeline.checkpoint import STATE_VERSION, StateError
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.kinds import EpisodeKind
from signals.checkpoint_streams import CUT_STREAMS, CutStream
from signals.detector_recordings import stream

FOLDER = Path(__file__).parents[3] / "data" / "checkpoints"


def saved_by_version_8(name: str) -> bytes:
    """Return the checkpoint that the code of December 2026 wrote at the cut of a stream."""
    return (FOLDER / f"version-8-{name}.state").read_bytes()


def pipeline_of(cut_stream: CutStream) -> Pipeline:
    pipeline = Pipeline(stream(cut_stream.rate_hz, cut_stream.channels))
    if cut_stream.calibration_from is not None:
        pipeline.calibrate(calibration_of(cut_stream), later=cut_stream.calibration_from > 0)
    return pipeline


def calibration_of(cut_stream: CutStream) -> Calibration:
    channel = ChannelCalibration(rest=3.0, curl=60.0, own=80.0, motion_db=-10.0)
    return with_id(
        Calibration(
            valid_from_index=cut_stream.calibration_from or 0,
            rate_hz=cut_stream.rate_hz,
            unit="uV",
            lsb_uv=0.2,
            channels=(channel,) * cut_stream.channels,
        )
    )


def push_all(pipeline: Pipeline, cut_stream: CutStream, *, from_piece: int = 0) -> list[Event]:
    pieces = cut_stream.pieces[from_piece:]
    return [*(event for index, piece in pieces for event in pipeline.push(index, piece)), *pipeline.finish()]


def uninterrupted(cut_stream: CutStream) -> list[Event]:
    """Return what comes after the cut when one process analyses everything."""
    pipeline = pipeline_of(cut_stream)
    for index, piece in cut_stream.pieces[: cut_stream.cut]:
        pipeline.push(index, piece)
    return push_all(pipeline, cut_stream, from_piece=cut_stream.cut)


def assert_equal_events(some: list[Event], others: list[Event]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        if isinstance(one, Features) and isinstance(other, Features):
            assert one.first_index == other.first_index
            for values, expected in ((one.rms, other.rms), (one.envelope, other.envelope), (one.floor, other.floor)):
                np.testing.assert_allclose(values, expected, rtol=1e-9)  # processors round sums differently
            np.testing.assert_array_equal(one.quality, other.quality)
        elif isinstance(one, Episode) and isinstance(other, Episode):
            assert (one.status, one.episode_id, one.revision) == (other.status, other.episode_id, other.revision)
            assert (one.kind, one.channels, one.calibration) == (other.kind, other.channels, other.calibration)
            assert (one.onset_index, one.offset_index) == (other.onset_index, other.offset_index)
            assert one.detected_index == other.detected_index
            assert one.confidence == pytest.approx(other.confidence)
            assert [reason.code for reason in one.why] == [reason.code for reason in other.why]
            assert one.peak == pytest.approx(other.peak, rel=1e-9)
        else:
            assert one == other


@pytest.mark.parametrize("name", CUT_STREAMS)
def test_a_checkpoint_of_version_8_continues_as_an_uninterrupted_run(name: str) -> None:
    cut_stream = CUT_STREAMS[name]()
    continued = push_all(Pipeline.from_state(saved_by_version_8(name)), cut_stream, from_piece=cut_stream.cut)
    assert_equal_events(continued, uninterrupted(cut_stream))


@pytest.mark.parametrize("name", CUT_STREAMS)
def test_a_restored_pipeline_writes_the_same_bytes(name: str) -> None:
    state = saved_by_version_8(name)
    assert Pipeline.from_state(state).to_state() == state


def test_the_cuts_are_in_the_middle_of_what_is_going_on() -> None:
    cramp, series, gap = (uninterrupted(CUT_STREAMS[name]()) for name in ("cramp", "series", "gap"))
    changes = {
        name: [(one.status, one.kind) for one in events if isinstance(one, Episode)]
        for name, events in (("cramp", cramp), ("series", series), ("gap", gap))
    }
    assert changes["cramp"] == [(EpisodeStatus.CLOSED, EpisodeKind.CRAMP)]
    assert changes["gap"] == [(EpisodeStatus.CLOSED, EpisodeKind.LEG_MOVEMENT)]
    assert changes["series"][-1] == (EpisodeStatus.CLOSED, EpisodeKind.RHYTHMIC)
    assert {one.calibration != "" for one in series if isinstance(one, Episode)} == {False, True}
    assert any(isinstance(one, StateChange) for one in cramp)


def test_a_state_of_another_version_is_refused() -> None:
    entries = msgspec.msgpack.decode(saved_by_version_8("gap"))
    assert entries["version"] == STATE_VERSION
    for version in (STATE_VERSION - 1, STATE_VERSION + 1):
        with pytest.raises(StateError, match=f"version {version}, expected {STATE_VERSION}"):
            Pipeline.from_state(msgspec.msgpack.encode({**entries, "version": version}))


@pytest.mark.parametrize("name", ["history.floor", "front.state", "measurer.unsettled"])
def test_a_state_without_one_of_its_values_is_refused(name: str) -> None:
    entries = msgspec.msgpack.decode(saved_by_version_8("gap"))
    del entries["arrays"][name]
    with pytest.raises(StateError):
        Pipeline.from_state(msgspec.msgpack.encode(entries))
