"""The waveform on the screen: no spike is lost, gaps are exact, drift is removed."""

from dataclasses import replace

import numpy as np
import pytest
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.web.live.features import FeatureHistory
from crampwatch.web.live.ring import Ring
from crampwatch.web.live.waveform import COARSE_STEP_NS, HighPass, Waveform, extremes
from hypothesis import given
from hypothesis import strategies as st
from nights.foot_messages import Foot, as_backfill

BEGIN_NS = 1_700_000_000_000_000_000


def foot() -> Foot:
    return Foot("cw", start_ns=BEGIN_NS)


def greatest(ring: Ring) -> float:
    return float(np.nanmax([np.nanmax(np.abs(values)) for _, values in ring.all_segments()]))


def known_steps(ring: Ring) -> set[int]:
    return {
        first + int(i)
        for first, values in ring.all_segments()
        for i in np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))
    }


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.integers(0, 11))
def test_a_spike_of_one_sample_is_shown_for_any_cut_of_the_stream(sizes: list[int], where: int) -> None:
    wave, maker = Waveform(channels=2), foot()
    for number, samples in enumerate(sizes):
        wave.add_block(maker.block(samples, spike_uv=900.0 if number == where % len(sizes) else 0.0))
    wave.add_block(maker.block(5))
    for ring in (wave.fine, wave.coarse):
        assert greatest(ring) > 700


@given(st.integers(1, 1999))
def test_any_cut_of_the_stream_gives_the_same_curve(cut: int) -> None:
    whole, parts = Waveform(channels=2), Waveform(channels=2)
    block = foot().block(2000)
    whole.add_block(block)
    tail_ns = block.first_utc_ns + cut * 1_000_000
    parts.add_block(replace(block, counts=block.counts[:cut]))
    parts.add_block(replace(block, counts=block.counts[cut:], first_index=cut, first_utc_ns=tail_ns))
    for one, other in ((whole.fine, parts.fine), (whole.coarse, parts.coarse)):
        ((first, expected),) = one.all_segments()
        ((begin, got),) = other.all_segments()
        assert first == begin
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


def test_lost_samples_leave_a_gap_of_their_length() -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block(1000))
    maker.skip(2.0)
    wave.add_block(maker.block(1000))
    first = BEGIN_NS // COARSE_STEP_NS
    assert known_steps(wave.coarse) == {*range(first, first + 10), *range(first + 30, first + 40)}


def test_backfilled_samples_close_the_gap_and_do_not_count_as_present() -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block(1000))
    missed = as_backfill(maker.block(1000))
    wave.add_block(maker.block(1000))
    newest_ns = wave.newest_ns
    wave.add_block(missed)
    first = BEGIN_NS // COARSE_STEP_NS
    assert known_steps(wave.coarse) == set(range(first, first + 30))
    assert wave.newest_ns == newest_ns


def test_a_clock_correction_is_no_gap_when_no_sample_is_missing() -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block(1000))
    maker.start_ns += 350_000_000
    wave.add_block(maker.block(1000))
    first = BEGIN_NS // COARSE_STEP_NS
    assert known_steps(wave.coarse) == set(range(first, first + 24))


def test_an_offset_of_millivolts_does_not_hide_the_signal() -> None:
    wave, maker = Waveform(channels=2), foot()
    block = maker.block(3000)
    wave.add_block(replace(block, counts=block.counts + 50_000))
    assert greatest(wave.coarse) < 30


def test_a_slow_stream_has_no_holes() -> None:
    wave = Waveform(channels=1)
    counts = np.arange(20, dtype=np.int32)[:, None]
    wave.add_block(SampleBlock(foot().session, 1, 1, BlockFlag(0), 0, BEGIN_NS, 10.0, 1e-6, counts))
    assert len(known_steps(wave.fine)) == 2 * 50


def test_unknown_scale_is_drawn_in_counts() -> None:
    wave, block = Waveform(channels=2), foot().block(10)
    counts = np.zeros((10, 2), np.int32)
    counts[5] = 1000
    wave.add_block(replace(block, lsb=float("nan"), counts=counts))
    assert greatest(wave.fine) == pytest.approx(1000, rel=0.07)


def test_live_time_that_goes_far_back_clears_the_rings() -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block())
    maker.start_ns -= 3_600_000_000_000
    wave.add_block(maker.block())
    assert max(known_steps(wave.coarse)) < BEGIN_NS // COARSE_STEP_NS


def test_extremes_of_a_step_without_samples_are_missing() -> None:
    first, low, high = extremes(np.array([[1], [3], [2]], np.float32), np.array([7, 7, 9]))
    assert first == 7
    np.testing.assert_array_equal(low[:, 0], [1, np.nan, 2])
    np.testing.assert_array_equal(high[:, 0], [3, np.nan, 2])


def test_the_rings_reach_back_half_a_minute_and_five_minutes() -> None:
    wave = Waveform(channels=1)
    assert wave.fine.capacity * wave.fine.step_ns == 30_000_000_000
    assert wave.coarse.capacity * wave.coarse.step_ns == 300_000_000_000
    features = FeatureHistory(channels=1).ring
    assert (features.step_ns, features.capacity) == (wave.coarse.step_ns, wave.coarse.capacity)


@pytest.mark.parametrize(("shift_ns", "gaps"), [(1_000_000_000, 0), (1_100_000_000, 11)])
def test_a_clock_correction_of_up_to_a_second_is_no_gap(shift_ns: int, gaps: int) -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block(1000))
    maker.start_ns += shift_ns
    wave.add_block(maker.block(1000))
    steps = known_steps(wave.coarse)
    assert max(steps) + 1 - min(steps) - len(steps) == gaps


def test_the_high_pass_halves_the_power_at_10_hz() -> None:
    at_s = np.arange(4000) / 1000
    tone = np.sin(2 * np.pi * 10 * at_s)[:, None]
    filtered = HighPass()(tone, 1000.0)[1000:]
    assert np.sqrt(2) * filtered.std() == pytest.approx(np.sqrt(0.5), abs=0.03)


def test_the_high_pass_of_a_slow_stream_keeps_its_upper_frequencies() -> None:
    tone = np.sin(2 * np.pi * 2 * np.arange(400) / 20)[:, None]
    assert np.sqrt(2) * HighPass()(tone, 20.0)[100:].std() > 0.9


def test_after_the_clock_was_set_back_samples_are_drawn_at_their_own_time() -> None:
    wave, maker = Waveform(channels=2), foot()
    wave.add_block(maker.block(1000))
    maker.start_ns -= 500_000_000
    wave.add_block(maker.block(1000, spike_uv=900.0))
    ((first, values),) = wave.coarse.all_segments()
    assert first + int(np.nanargmax(values[:, 0, 1])) == BEGIN_NS // COARSE_STEP_NS + 10
