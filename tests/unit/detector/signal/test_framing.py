"""How samples come onto the grid of hops, and what stands in for missing ones."""

import numpy as np
import pytest
from crampwatch.detector.signal.grid import Frame, Framer, Grid
from signals.made_up_history import GRID, Array


def frame_of(samples: Array, first_index: int = 0) -> Frame:
    frame = Framer(GRID, 1).push(first_index, samples[:, None])
    assert frame is not None
    return frame


def in_order(frame: Frame) -> Array:
    return frame.samples.transpose(1, 0, 2).reshape(-1)


def test_hops_start_at_multiples_of_their_length() -> None:
    framer = Framer(GRID, 1)
    assert framer.push(250, np.ones((49, 1))) is None
    frame = framer.push(299, np.ones((101, 1)))
    assert frame is not None
    assert frame.first_hop == 2
    assert frame.samples.shape == (100, 2, 1)
    assert len(framer.pending) == 0
    assert framer.next_index == 400


def test_a_gap_is_bridged_without_a_step() -> None:
    samples = np.full(300, 7.0)
    samples[100:150] = np.nan
    samples[150:] = 1000.0
    frame = frame_of(samples)
    assert set(in_order(frame)) == {0.0}, "the level is that of the first sample, and goes on where it broke off"
    assert frame.valid is not None
    assert frame.valid.sum() == 250


@pytest.mark.parametrize(("value", "is_kept"), [(1e9, True), (1.001e9, False), (np.inf, False), (-1.001e9, False)])
def test_numbers_that_no_signal_has_are_limited(value: float, is_kept: bool) -> None:
    samples = np.zeros(100)
    samples[50] = value
    largest = float(np.abs(in_order(frame_of(samples))).max())
    assert largest <= 1e9
    assert (largest == abs(value)) is is_kept


def test_the_unfinished_hop_is_completed_by_missing_samples() -> None:
    framer = Framer(GRID, 1)
    framer.push(0, np.ones((130, 1)))
    frame = framer.flush()
    assert frame is not None
    assert frame.valid is not None
    assert frame.valid.sum() == 30
    assert framer.flush() is None


@pytest.mark.parametrize(("rate_hz", "bin_samples"), [(1000.0, 20), (250.0, 5), (70.0, 1), (10.0, 1)])
def test_a_bin_is_20_ms_or_one_sample(rate_hz: float, bin_samples: int) -> None:
    grid = Grid.at_rate(rate_hz)
    assert (grid.bin_samples, grid.hop_samples) == (bin_samples, 5 * bin_samples)
    assert grid.hop_s == pytest.approx(5 * bin_samples / rate_hz)
