"""What other stages rely on: any split, any gap, any resume gives the same events."""

from itertools import pairwise

import numpy as np
import pytest
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import Event, Features, StateChange
from crampwatch.detector.pipeline.batch import analyse_recording
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.kinds import EpisodeKind
from hypothesis import given, settings
from hypothesis import strategies as st
from signals.detector_recordings import Array, stream

RATE_HZ = 500.0


def busy_minute(seed: int = 1) -> Array:
    """Two channels of noise with bursts, a sustained contraction, lost packets and a long gap."""
    rng = np.random.default_rng(seed)
    seconds = 40
    emg = rng.normal((500.0, -200.0), 3.0, (int(seconds * RATE_HZ), 2))
    for onset_s, length_s, size in ((5.0, 0.2, 40.0), (8.0, 2.0, 30.0), (14.0, 9.0, 60.0), (30.0, 0.5, 80.0)):
        rows = slice(int(onset_s * RATE_HZ), int((onset_s + length_s) * RATE_HZ))
        emg[rows, 0] += rng.normal(0.0, size, emg[rows, 0].shape)
    emg[int(17.0 * RATE_HZ) : int(17.1 * RATE_HZ)] = np.nan
    emg[int(25.0 * RATE_HZ) : int(28.0 * RATE_HZ), 1] = np.nan
    return emg


def everything(detector: Pipeline, pieces: list[tuple[int, Array]]) -> list[Event]:
    events = [event for index, piece in pieces for event in detector.push(index, piece)]
    return [*events, *detector.finish()]


def split(emg: Array, cuts: list[int], first_index: int = 0) -> list[tuple[int, Array]]:
    edges = [0, *sorted(cuts), len(emg)]
    return [(first_index + a, emg[a:b]) for a, b in pairwise(edges)]


def joined(events: list[Event]) -> dict[str, Array]:
    parts = [event for event in events if isinstance(event, Features)]
    names = ("rms", "envelope", "floor", "threshold", "median_hz", "quality")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


def assert_same(some: list[Event], others: list[Event]) -> None:
    changes = [event for event in some if isinstance(event, Episode)]
    other_changes = [event for event in others if isinstance(event, Episode)]
    assert len(changes) == len(other_changes)
    for one, other in zip(changes, other_changes, strict=True):
        assert one.peak == pytest.approx(other.peak, rel=1e-9)
        for name in ("status", "episode_id", "revision", "kind", "onset_index", "offset_index", "detected_index"):
            assert getattr(one, name) == getattr(other, name)
        assert one.channels == other.channels
        assert one.confidence == pytest.approx(other.confidence, abs=1e-9)
    states = [event for event in some if isinstance(event, StateChange)]
    assert states == [event for event in others if isinstance(event, StateChange)]
    for name, values in joined(some).items():
        np.testing.assert_allclose(values, joined(others)[name], rtol=1e-6, atol=1e-9)


WHOLE = busy_minute()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(WHOLE)), max_size=40))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    description = stream(RATE_HZ, 2)
    assert_same(
        everything(Pipeline(description), split(WHOLE, cuts, 12345)),
        everything(Pipeline(description), [(12345, WHOLE)]),
    )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, len(WHOLE) - 1), min_size=1, max_size=5))
def test_a_pipeline_restored_from_its_state_gives_the_same_events(cuts: list[int]) -> None:
    description = stream(RATE_HZ, 2)
    detector, events = Pipeline(description), []
    for index, piece in split(WHOLE, cuts):
        events += detector.push(index, piece)
        state = detector.to_state()
        assert len(state) < 200_000
        detector = Pipeline.from_state(state)
    assert_same([*events, *detector.finish()], everything(Pipeline(description), [(0, WHOLE)]))


def test_an_overlap_is_skipped_and_a_jump_is_a_gap() -> None:
    description = stream(RATE_HZ, 2)
    cut, lost = int(16 * RATE_HZ), int(0.1 * RATE_HZ)
    holed = WHOLE.copy()
    holed[cut : cut + lost] = np.nan
    pieces = [(0, WHOLE[:cut]), (cut - 300, WHOLE[cut - 300 : cut]), (cut + lost, WHOLE[cut + lost :])]
    assert_same(everything(Pipeline(description), pieces), everything(Pipeline(description), [(0, holed)]))


def test_next_index_follows_the_samples_pushed() -> None:
    detector = Pipeline(stream(RATE_HZ, 2))
    assert detector.next_index == 0
    detector.push(70, WHOLE[:33])
    assert detector.next_index == 103
    detector.push(2**40, WHOLE[:10])
    assert detector.next_index == 2**40 + 10


def test_revisions_count_up_and_end_closed() -> None:
    by_id: dict[str, list[Episode]] = {}
    for event in everything(Pipeline(stream(RATE_HZ, 2)), [(0, WHOLE)]):
        if isinstance(event, Episode):
            by_id.setdefault(event.episode_id, []).append(event)
    assert len(by_id) >= 4
    for changes in by_id.values():
        assert [change.revision for change in changes] == list(range(1, len(changes) + 1))
        assert changes[0].status is EpisodeStatus.OPENED
        assert changes[-1].status in (EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED)
        assert all(change.reasons and 0.0 <= change.confidence <= 1.0 for change in changes)


def test_features_are_on_a_regular_grid() -> None:
    parts = [event for event in Pipeline(stream(RATE_HZ, 2)).push(0, WHOLE) if isinstance(event, Features)]
    assert [part.first_index for part in parts] == [0]
    assert parts[0].step_samples == 50
    assert parts[0].rms.shape == (len(WHOLE) // 50, 2)


def test_a_finished_recording_gives_the_same_episodes_as_a_stream() -> None:
    pieces = [WHOLE[start : start + 777] for start in range(0, len(WHOLE), 777)]
    description = stream(RATE_HZ, 2)
    whole = analyse_recording(description, WHOLE, temperature=(np.array([31.0, 31.5]), 0.1))
    assert [episode.onset_s for episode in whole] == [
        episode.onset_s for episode in analyse_recording(description, iter(pieces))
    ]
    assert [episode.kind for episode in whole][:1] == [EpisodeKind.TWITCH]
    assert abs(whole[0].onset_s - 5.0) < 0.05


def test_a_foreign_state_is_refused() -> None:
    for data in (b"", b"nonsense", b"\x81\xa7version\x00"):
        with pytest.raises(CrampwatchError):
            Pipeline.from_state(data)


def test_an_impossible_stream_is_refused() -> None:
    with pytest.raises(CrampwatchError):
        Pipeline(stream(0.0, 2))
    with pytest.raises(ValueError, match="shape"):
        Pipeline(stream(RATE_HZ, 2)).push(0, np.zeros((10, 3)))
