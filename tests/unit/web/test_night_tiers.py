"""Every zoom shows the true extremes, however the samples came."""

from itertools import pairwise

import numpy as np
from crampwatch.web.night.model.pyramid import BASE_SAMPLES, FACTOR, Pyramid
from hypothesis import given
from hypothesis import strategies as st


def tiers_of(signal: np.ndarray, cuts: list[int], order: list[int]) -> Pyramid:
    pyramid = Pyramid(signal.shape[1])
    borders = sorted({0, len(signal), *(cut % len(signal) for cut in cuts)})
    pieces = list(pairwise(borders))
    for place in sorted(range(len(pieces)), key=lambda at: order[at % len(order)]):
        begin, end = pieces[place]
        pyramid.add_samples(begin, signal[begin:end])
    return pyramid


@given(
    samples=st.integers(1, 200_000),
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
    order=st.lists(st.integers(), min_size=1, max_size=9),
)
def test_each_bucket_of_each_tier_is_the_extreme_of_its_samples(
    samples: int, cuts: list[int], order: list[int]
) -> None:
    signal = np.random.default_rng(samples).standard_normal((samples, 2)).astype(np.float32)
    pyramid = tiers_of(signal, cuts, order)
    wanted = 1.0
    while wanted < 10 * samples:
        bucket, values = pyramid.level_for(wanted)
        begins = np.arange(0, samples, bucket)
        assert len(values) == len(begins)
        np.testing.assert_array_equal(values[..., 0], np.minimum.reduceat(signal, begins, axis=0))
        np.testing.assert_array_equal(values[..., 1], np.maximum.reduceat(signal, begins, axis=0))
        wanted *= FACTOR


def test_what_was_never_put_is_unknown_at_every_zoom() -> None:
    pyramid = Pyramid(1)
    pyramid.add_samples(0, np.ones((BASE_SAMPLES, 1), np.float32))
    pyramid.add_samples(BASE_SAMPLES * 100_000, np.ones((10, 1), np.float32))
    bucket, values = pyramid.level_for(BASE_SAMPLES)
    assert np.isnan(values[1:-1]).all()
    bucket, values = pyramid.level_for(100_000)
    assert np.isnan(values[1 : -1 if bucket < 6_400_000 else None]).all()


def test_a_finest_tier_that_was_kept_gives_the_others() -> None:
    signal = np.random.default_rng(1).standard_normal((300_000, 1)).astype(np.float32)
    fresh = Pyramid(1)
    fresh.add_samples(0, signal)
    kept = Pyramid(1, fresh.base.copy())
    for wanted in (64, 5000, 1e6):
        np.testing.assert_array_equal(kept.level_for(wanted)[1], fresh.level_for(wanted)[1])
