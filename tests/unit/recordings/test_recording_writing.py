import errno
import json
import math
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import edfio
import numpy as np
import pyedflib
import pytest
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.protocol.errors import ConfigurationError, RecordingError, UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import (
    Annotation,
    Recording,
    annotations_path,
    describe_stream,
    read,
    truth_path,
    write,
)
from crampwatch.recordings.atomic_file import replacing
from crampwatch.recordings.gaps import GapFinder
from crampwatch.recordings.truth import decode_truth
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from signals.recording_samples import ArraySource, samples_of

SUFFIXES = [".edf", ".bdf", ".npz", ".csv"]
START_UTC_NS = 1_790_000_000_123_456_000


def night(samples: int = 2500, *, rate_hz: float = 1000.0, temperature_rate_hz: float = 1.0) -> ArraySource:
    """Noise with a gap over the end of the first second, and rails."""
    values = np.random.default_rng(7).normal(0, 40, (samples, 2))
    values[samples // 4 : samples // 2] = math.nan
    values[samples - 5 :] = 9000.0
    return ArraySource(values, rate_hz=rate_hz, temperature_rate_hz=temperature_rate_hz)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_simulated_recording_is_read_back_as_the_sensor_would_deliver_it(tmp_path: Path, suffix: str) -> None:
    path, source = tmp_path / f"night{suffix}", night()
    write(path, simulated_recording(source, start_utc_ns=START_UTC_NS), truth=source.truth)
    recording = read(path)
    assert np.allclose(samples_of(recording), samples_of(simulated_recording(source)), atol=1e-6, equal_nan=True)
    assert recording.sample_count == 2500
    assert recording.stream.lsb_uv == pytest.approx(0.25)
    assert recording.stream.rate_hz == 1000.0
    assert recording.stream.labels == ("EMG 1", "EMG 2")
    assert recording.start_utc_ns == START_UTC_NS
    assert recording.origin is Origin.DEMO
    assert "simulated" in recording.source_text
    assert recording.warnings == ()
    assert recording.temperature is not None
    assert recording.temperature.rate_hz == 1.0
    assert np.allclose(recording.temperature.values_c[:3], [31.0, 30.9, 30.8], atol=0.002)
    assert decode_truth(truth_path(path).read_text()) == source.truth
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [path.name, "night.truth.jsonl"]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(SUFFIXES),
    st.sampled_from([10.0, 100.0, 244.140625, 256.0, 1000.0 / 3.0, 1024.5, 2000.0]),
    st.integers(1, 5000),
    st.sampled_from([0.05, 0.5, 1.0, 4.0, 7.3]),
)
def test_any_rate_and_length_survives(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, rate_hz: float, samples: int, temperature_rate_hz: float
) -> None:
    path = tmp_path_factory.mktemp("rates") / f"x{suffix}"
    source = night(samples, rate_hz=rate_hz, temperature_rate_hz=temperature_rate_hz)
    write(path, simulated_recording(source), truth=source.truth)
    recording = read(path)
    assert recording.stream.rate_hz == pytest.approx(rate_hz, rel=1e-6)
    assert recording.sample_count == samples
    assert np.allclose(samples_of(recording), samples_of(simulated_recording(source)), atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_other_programs_read_the_samples_the_truth_and_that_it_is_simulated(tmp_path: Path, suffix: str) -> None:
    path, source = tmp_path / f"night{suffix}", night()
    write(path, simulated_recording(source, start_utc_ns=START_UTC_NS), truth=source.truth)
    expected = samples_of(simulated_recording(source))
    with pyedflib.EdfReader(str(path)) as other:
        onsets, durations, texts = other.readAnnotations()
        values = np.column_stack([other.readSignal(channel) for channel in range(2)])[:2500]
        assert other.getSignalLabels() == ["EMG 1", "EMG 2", "Temp skin"]
        assert other.getSampleFrequency(0) == 1000.0
    assert texts.tolist() == ["simulated cramp: onset while asleep", "no data"]
    assert onsets == pytest.approx([0.25, 0.625])
    assert durations.astype(float) == pytest.approx([0.5, 0.625])
    assert np.allclose(values[np.isfinite(expected)], expected[np.isfinite(expected)], atol=1e-3)
    again = (edfio.read_edf if suffix == ".edf" else edfio.read_bdf)(path)
    assert again.startdatetime.isoformat() == "2026-09-21T14:13:20.123456"
    assert "simulated" in again.local_recording_identification


def test_a_gap_at_the_end_is_annotated_too(tmp_path: Path) -> None:
    values = np.zeros((1500, 1))
    values[1200:] = math.nan
    write(tmp_path / "x.edf", simulated_recording(ArraySource(values)), truth=())
    found = edfio.read_edf(tmp_path / "x.edf").annotations
    assert [(note.onset, note.duration, note.text) for note in found] == [(1.2, 0.3, "no data")]


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_gaps_are_the_same_however_the_signal_is_split(missing: list[bool], chunk: int) -> None:
    values = np.where(np.array([missing, [False] * len(missing)], bool).T, math.nan, 1.0)
    finder = GapFinder(rate_hz=1.0)
    found = [gap for at in range(0, len(values), chunk) for gap in finder.push(values[at : at + chunk])]
    found += finder.finish()
    seconds = [range(round(gap.onset_s), round(gap.onset_s + (gap.duration_s or 0))) for gap in found]
    assert [second for gap in seconds for second in gap] == [i for i, is_missing in enumerate(missing) if is_missing]
    assert finder.finish() == []


def test_remarks_on_more_gaps_than_there_is_room_for_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = np.zeros((1000, 1))
    values[::2] = math.nan
    write(tmp_path / "x.edf", simulated_recording(ArraySource(values)), truth=night().truth)
    assert "did not fit" in caplog.text
    texts = [note.text for note in edfio.read_edf(tmp_path / "x.edf").annotations]
    assert "simulated cramp: onset while asleep" in texts
    assert np.isnan(samples_of(read(tmp_path / "x.edf"))).sum() == 500


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_progress_ends_at_the_end(tmp_path: Path, suffix: str) -> None:
    steps: list[tuple[int, int]] = []
    write(
        tmp_path / f"x{suffix}",
        simulated_recording(night()),
        truth=(),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps[-1] == (2500, 2500)


def test_part_of_a_source_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / "x.npz", simulated_recording(night(), stop_index=100), truth=())
    assert read(tmp_path / "x.npz").sample_count == 100


@pytest.mark.parametrize("name", ["night.wav", "night", ".edf", ""])
def test_an_unknown_ending_is_reported_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.bdf, \.csv, \.edf, \.npz, \.parquet"):
        write(tmp_path / name if name else "", simulated_recording(night()), truth=())


def _recording(samples: NDArray[np.float64], *, lsb_uv: float = 0.01) -> Recording:
    return Recording(
        stream=describe_stream(
            labels=["calf, left"] * samples.shape[1], rate_hz=200.0, lsb_uv=lsb_uv, sample_format=SampleFormat.INT24
        ),
        blocks=lambda: iter([samples]),
        origin=Origin.REPLAY,
        source_text="a test",
        value_step=0.01,
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_values_finer_or_larger_than_sixteen_bits_are_exported_as_exactly_as_they_fit(
    tmp_path: Path, suffix: str
) -> None:
    samples = np.array([[70_000.0], [-0.05], [math.nan], [12.34]])
    write(tmp_path / f"x{suffix}", _recording(samples))
    step = 70_000 / 32_767 if suffix == ".edf" else 0.02
    assert np.allclose(samples_of(read(tmp_path / f"x{suffix}")), samples, atol=step / 1.9, equal_nan=True)
    assert read(tmp_path / f"x{suffix}").origin is Origin.REPLAY


def test_unknown_scales_stay_unknown_or_are_refused(tmp_path: Path) -> None:
    recording = _recording(np.array([[1.0], [3.0], [-2.0]]), lsb_uv=math.nan)
    for suffix in (".edf", ".bdf", ".csv"):
        write(tmp_path / f"x{suffix}", recording)
        again = read(tmp_path / f"x{suffix}", rate_hz=200.0)
        assert not again.stream.has_scale
        assert np.allclose(samples_of(again)[:, 0], [1.0, 3.0, -2.0], atol=1e-3)
    with pytest.raises(ConfigurationError, match="--scale"):
        write(tmp_path / "x.npz", recording)
    assert not (tmp_path / "x.npz").exists()


def test_annotations_stand_in_edf_and_beside_what_cannot_hold_them(tmp_path: Path) -> None:
    annotations = [
        Annotation(1.5, 0.5, 'cramp, "left"'),
        Annotation(0.25, None, "lights \N{GREEK SMALL LETTER MU} out"),
    ]
    for suffix in SUFFIXES:
        write(tmp_path / f"x{suffix}", _recording(np.zeros((600, 1))), annotations=annotations)
    texts = [note.text for note in edfio.read_edf(tmp_path / "x.edf").annotations]
    assert texts == ["lights \N{GREEK SMALL LETTER MU} out", 'cramp, "left"']
    lines = annotations_path(tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "onset_s,offset_s,label"
    assert lines[2] == '1.500000,2.000000,"cramp, ""left"""'
    assert not annotations_path(tmp_path / "x.edf").exists()


def test_annotations_of_a_whole_night_find_room(tmp_path: Path) -> None:
    annotations = [Annotation(i / 10, 0.05, f"twitch number {i}") for i in range(400)]
    write(tmp_path / "x.bdf", _recording(np.zeros((600, 1))), annotations=annotations)
    assert [note.text for note in edfio.read_bdf(tmp_path / "x.bdf").annotations] == [note.text for note in annotations]


def test_nothing_to_write_and_broken_promises_are_reported(tmp_path: Path) -> None:
    for suffix in (".edf", ".npz"):
        with pytest.raises(RecordingError, match=r"no samples|has 0"):
            write(tmp_path / f"x{suffix}", _recording(np.empty((0, 1))))
    source = night()
    recording = simulated_recording(source)
    short = Recording(
        stream=recording.stream, blocks=recording.blocks, origin=Origin.DEMO, source_text="it", sample_count=9999
    )
    for suffix in (".edf", ".npz"):
        with pytest.raises(RecordingError, match="states 9999 samples and has 2500"):
            write(tmp_path / f"x{suffix}", short)
    assert list(tmp_path.iterdir()) == []


def test_a_source_without_an_end_needs_one(tmp_path: Path) -> None:
    class Endless(ArraySource):
        @property
        def duration_samples(self) -> int | None:
            return None

    with pytest.raises(ConfigurationError, match="how many hours"):
        write(tmp_path / "x.edf", simulated_recording(Endless(np.zeros((10, 1)))), truth=())


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file grow beyond 64 kB, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_what_was_there_before(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text("last night")
    with pytest.raises(UnavailableError, match=r"The disk is full.*Free some space"):
        write(path, simulated_recording(night(60000)), truth=night().truth)
    assert path.read_text() == "last night"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EIO, UnavailableError), (errno.EROFS, ConfigurationError), (errno.EACCES, ConfigurationError)],
)
def test_other_refusals_are_reported(tmp_path: Path, number: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="could not be written"), replacing(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_and_a_folder_in_place_of_the_file_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="folder does not exist"):
        write(tmp_path / "no" / "x.edf", simulated_recording(night()), truth=())
    (tmp_path / "x.edf").mkdir()
    with pytest.raises(ConfigurationError, match="it is a folder"):
        write(tmp_path / "x.edf", simulated_recording(night()), truth=())
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.edf"]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "x.edf") as file:
        interrupted(file)
    assert list(tmp_path.iterdir()) == []


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write(tmp_path / "x.csv", simulated_recording(night()), truth=())
    usual = tmp_path / "usual"
    usual.touch()
    assert stat.S_IMODE((tmp_path / "x.csv").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_truth_is_one_json_object_a_line(tmp_path: Path) -> None:
    write(tmp_path / "x.csv", simulated_recording(night()), truth=night().truth * 2)
    lines = truth_path(tmp_path / "x.csv").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["cramp", "cramp"]


@pytest.mark.parametrize("start_utc_ns", [-(10**18), 0, 4_000_000_000 * 10**9, 10**27])
def test_a_start_that_edf_cannot_express_is_left_out(tmp_path: Path, start_utc_ns: int) -> None:
    write(tmp_path / "x.edf", simulated_recording(night(), start_utc_ns=start_utc_ns), truth=())
    assert read(tmp_path / "x.edf").start_utc_ns is None
