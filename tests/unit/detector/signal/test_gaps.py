"""What is left out after a gap, and when filters start from scratch."""

import msgspec
import numpy as np
import pytest
from crampwatch.detector.model.events import Features
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.detector.signal.grid import Framer, Grid
from crampwatch.detector.signal.measures import Measurer
from signals.detector_recordings import Array, stream

RATE_HZ = 1000.0
GRID = Grid.at_rate(RATE_HZ)


def noise(seconds: float, *, level_uv: float = 500.0) -> Array:
    return np.random.default_rng(1).normal(level_uv, 3.0, (round(seconds * RATE_HZ), 1))


def unusable_after(emg: Array, *, from_sample: int) -> int:
    """Return how many samples are left out from a sample on, of a stream with gaps."""
    framer, measurer = Framer(GRID, 1), Measurer(GRID, 1)
    frame = framer.push(0, emg)
    assert frame is not None
    usable = measurer._usable(frame)
    assert usable is not None
    in_order = usable.transpose(1, 0, 2).reshape(-1)
    return int(in_order[from_sample:].argmax())


def test_the_first_03_s_are_left_out() -> None:
    assert unusable_after(noise(1.0), from_sample=0) == 300


@pytest.mark.parametrize(("gap", "left_out"), [(1, 61), (50, 110), (239, 299), (240, 300), (900, 300)])
def test_after_a_gap_as_much_is_left_out_as_its_length_asks_for(gap: int, left_out: int) -> None:
    emg = noise(3.0)
    emg[1000 : 1000 + gap] = np.nan
    assert unusable_after(emg, from_sample=1000 + gap) == left_out


def test_a_measure_needs_half_of_its_samples() -> None:
    for missing, is_known in ((50, True), (51, False)):
        framer, measurer = Framer(GRID, 1), Measurer(GRID, 1)
        frame = framer.push(0, noise(0.1))
        assert frame is not None
        measurer.unsettled[:] = missing
        measures = measurer.measure(frame)
        assert bool(np.isfinite(measures.power[0, 0])) is is_known


def registers_after(gap_samples: int) -> Array:
    """Return the filters' registers once the signal is back after a gap, before its first hop is complete."""
    pipeline = Pipeline(stream(RATE_HZ, 1))
    emg = np.concatenate([noise(1.0, level_uv=0.0), noise(1.0, level_uv=500.0)])
    pipeline.push(0, emg)
    pipeline.push(len(emg) + gap_samples, noise(0.02))
    arrays = msgspec.msgpack.decode(pipeline.to_state())["arrays"]
    saved = arrays["front.state"].data
    size = int.from_bytes(saved[:2], "little")
    return np.frombuffer(saved[2 + size :])


@pytest.mark.parametrize(("gap_samples", "is_reset"), [(10_000, False), (10_001, True)])
def test_the_filters_start_from_scratch_after_more_than_ten_seconds(gap_samples: int, is_reset: bool) -> None:
    assert bool((registers_after(gap_samples) == 0.0).all()) is is_reset


def test_a_long_gap_is_skipped_and_a_short_one_is_reported_hop_by_hop() -> None:
    for gap_s, hops in ((10.0, 100), (60.0, 100)):
        pipeline = Pipeline(stream(RATE_HZ, 1))
        pipeline.push(0, noise(2.0))
        events = pipeline.push(round((2.0 + gap_s) * RATE_HZ), noise(1.0))
        parts = [event for event in events if isinstance(event, Features)]
        missing = sum(int(np.isnan(part.rms[:, 0]).sum()) for part in parts)
        assert missing == hops + 3, "and the first 0.3 s after it"
