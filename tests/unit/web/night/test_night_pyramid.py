"""The pyramid shows the true extremes at every zoom, in whatever order the samples arrive."""

from itertools import pairwise

import numpy as np
import pytest
from crampwatch.web.night.model.pyramid import BASE_SAMPLES, FACTOR, Pyramid
from hypothesis import given
from hypothesis import strategies as st


def make_pyramid(signal: np.ndarray, cuts: list[int], order: list[int]) -> Pyramid:
    """Return the pyramid of a signal that was cut into pieces and added in another order."""
    pyramid = Pyramid(signal.shape[1])
    borders = sorted({0, len(signal), *(cut % len(signal) for cut in cuts)})
    pieces = list(pairwise(borders))
    for place in sorted(range(len(pieces)), key=lambda at: order[at % len(order)]):
        first, end = pieces[place]
        pyramid.add_samples(first, signal[first:end])
    return pyramid


def ramp(samples: int) -> Pyramid:
    """Return the pyramid of the signal 0, 1, 2, ..."""
    pyramid = Pyramid(1)
    pyramid.add_samples(0, np.arange(samples, dtype=np.float32)[:, None])
    return pyramid


@given(
    samples=st.integers(1, 200_000),
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
    order=st.lists(st.integers(), min_size=1, max_size=9),
)
def test_each_bucket_of_each_level_has_the_extremes_of_its_samples(
    samples: int, cuts: list[int], order: list[int]
) -> None:
    signal = np.random.default_rng(samples).standard_normal((samples, 2)).astype(np.float32)
    pyramid = make_pyramid(signal, cuts, order)
    per_column = 1.0
    while per_column < 10 * samples:
        size, buckets = pyramid.level_for(per_column)
        starts = np.arange(0, samples, size)
        assert len(buckets) == len(starts)
        np.testing.assert_array_equal(buckets[..., 0], np.minimum.reduceat(signal, starts, axis=0))
        np.testing.assert_array_equal(buckets[..., 1], np.maximum.reduceat(signal, starts, axis=0))
        per_column *= FACTOR


def test_the_finest_buckets_have_64_samples() -> None:
    _, buckets = ramp(129).level_for(1)
    assert buckets[:, 0].tolist() == [[0, 63], [64, 127], [128, 128]]


@pytest.mark.parametrize(
    ("per_column", "size"), [(1, 64), (255.9, 64), (256, 256), (1023.9, 256), (1024, 1024), (1e9, 1024)]
)
def test_the_coarsest_level_is_taken_whose_buckets_fit_a_column(per_column: float, size: int) -> None:
    assert ramp(64 * 257 * 4).level_for(per_column)[0] == size


@pytest.mark.parametrize(("buckets", "coarsest"), [(256, 64), (257, 256), (1024, 256), (1025, 1024)])
def test_a_level_of_more_than_256_buckets_gets_one_above_it(buckets: int, coarsest: int) -> None:
    assert ramp(64 * buckets).level_for(1e9)[0] == coarsest


def test_buckets_without_samples_are_missing_at_every_zoom() -> None:
    pyramid = Pyramid(1)
    pyramid.add_samples(0, np.ones((BASE_SAMPLES, 1), np.float32))
    pyramid.add_samples(BASE_SAMPLES * 100_000, np.ones((10, 1), np.float32))
    _, buckets = pyramid.level_for(BASE_SAMPLES)
    assert np.isnan(buckets[1:-1]).all()
    size, buckets = pyramid.level_for(100_000)
    assert np.isnan(buckets[1 : -1 if size < 6_400_000 else None]).all()


def test_a_pyramid_is_restored_from_its_finest_level() -> None:
    signal = np.random.default_rng(1).standard_normal((300_000, 1)).astype(np.float32)
    pyramid = Pyramid(1)
    pyramid.add_samples(0, signal)
    restored = Pyramid(1, pyramid.base.copy())
    for per_column in (64, 5000, 1e6):
        np.testing.assert_array_equal(restored.level_for(per_column)[1], pyramid.level_for(per_column)[1])
