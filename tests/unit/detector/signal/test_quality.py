"""Which hops can be trusted: each fault at its bound."""

import math
from dataclasses import replace

import numpy as np
import pytest
from crampwatch.detector.model.events import QUALITY_BITS, quality_set
from crampwatch.detector.signal.grid import Frame
from crampwatch.detector.signal.quality import BLOCKING_BITS, QualityGate
from crampwatch.protocol.kinds import Quality
from crampwatch.protocol.stream import StreamDescription
from signals.detector_recordings import stream
from signals.made_up_history import Array, history_of_hops

SOUND = stream(1000.0, 1, 0.1)
"""16 bits of 0.1 uV: full scale at 3276.7 uV."""


def faults(
    samples: Array | None = None,
    description: StreamDescription = SOUND,
    *,
    power: float = 25.0,
    mains: float = 0.0,
    motion: float = 0.0,
) -> set[Quality]:
    """Return what is wrong with one hop of the given samples and powers."""
    hop = (np.sin(np.arange(100.0)) * 20.0 if samples is None else samples)[:, None, None]
    frame = Frame(0, hop, None, hop.min(axis=0), hop.max(axis=0))
    measures = replace(
        history_of_hops(np.array([[power]])).measures, mains=np.array([[mains]]), motion=np.array([[motion]])
    )
    return set(quality_set(int(QualityGate.for_stream(description).check(frame, measures)[0, 0])))


def test_a_good_hop_has_no_fault() -> None:
    assert faults() == set()


def test_a_hop_without_signal_has_no_data_and_a_constant_one_is_flat() -> None:
    assert Quality.NO_DATA in faults(power=math.nan)
    assert faults(np.full(100, 7.0)) == {Quality.FLAT}


@pytest.mark.parametrize(("share", "is_at_rail"), [(0.979, False), (0.981, True)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_amplifier_at_its_limit_is_at_the_rail(share: float, sign: float, is_at_rail: bool) -> None:
    samples = sign * (3276.7 * share + np.linspace(0.0, 1.0, 100))
    assert (Quality.RAIL in faults(samples)) is is_at_rail
    shifted = replace(SOUND, offset=sign * 1000e-6)
    assert (Quality.RAIL in faults(samples + sign * 1000.0, shifted)) is is_at_rail


@pytest.mark.parametrize(("ratio", "is_mains"), [(3.99, False), (4.01, True)])
def test_mains_four_times_all_else_are_a_fault(ratio: float, is_mains: bool) -> None:
    assert (Quality.MAINS in faults(mains=ratio * 25.0)) is is_mains


@pytest.mark.parametrize(
    ("mains_uv", "ratio", "is_off"), [(401.0, 31.0, True), (399.0, 31.0, False), (401.0, 29.0, False)]
)
def test_an_open_input_picks_up_mains_and_little_else(mains_uv: float, ratio: float, is_off: bool) -> None:
    power = mains_uv**2 / ratio
    assert (Quality.LEAD_OFF in faults(power=power, mains=mains_uv**2)) is is_off
    assert Quality.LEAD_OFF not in faults(description=stream(1000.0, 1, math.nan), power=power, mains=mains_uv**2)


@pytest.mark.parametrize(
    ("motion_uv", "ratio", "is_motion"), [(30.1, 6.1, True), (29.9, 6.1, False), (30.1, 5.9, False)]
)
def test_slow_waves_far_above_muscle_are_motion(motion_uv: float, ratio: float, is_motion: bool) -> None:
    power = motion_uv**2 / ratio
    assert (Quality.MOTION in faults(power=power, motion=motion_uv**2)) is is_motion


def clipped(peak_to_peak: float, repeats: int) -> Array:
    """Return a wave that repeats its largest value."""
    samples = np.linspace(0.0, peak_to_peak, 100)
    samples[-repeats:] = peak_to_peak
    return samples


@pytest.mark.parametrize(("repeats", "is_clipped"), [(3, False), (4, True)])
def test_an_extreme_is_repeated_by_clipping(repeats: int, is_clipped: bool) -> None:
    assert (Quality.CLIPPED in faults(clipped(1000.0, repeats))) is is_clipped
    assert (Quality.CLIPPED in faults(-clipped(1000.0, repeats))) is is_clipped


@pytest.mark.parametrize(("peak_to_peak", "is_clipped"), [(200.0, False), (201.0, True)])
def test_clipping_is_above_200_uv(peak_to_peak: float, is_clipped: bool) -> None:
    assert (Quality.CLIPPED in faults(clipped(peak_to_peak, 5))) is is_clipped
    assert Quality.CLIPPED in faults(clipped(peak_to_peak, 5), stream(1000.0, 1, math.nan))


@pytest.mark.parametrize(("lsb_uv", "is_clipped"), [(9.9, True), (10.0, False)])
def test_values_repeat_by_chance_in_a_wave_of_100_steps(lsb_uv: float, is_clipped: bool) -> None:
    assert (Quality.CLIPPED in faults(clipped(1000.0, 5), stream(1000.0, 1, lsb_uv))) is is_clipped


@pytest.mark.parametrize(("power", "is_clipped"), [(1e6 / 6.1, True), (1e6 / 5.9, False)])
def test_clipping_is_sharp_against_what_is_measured(power: float, is_clipped: bool) -> None:
    assert (Quality.CLIPPED in faults(clipped(1000.0, 5), power=power)) is is_clipped
    assert (Quality.CLIPPED in faults(clipped(1000.0, 5), power=0.0, mains=power)) is is_clipped


@pytest.mark.parametrize(("lsb_uv", "is_coarse"), [(4.0, False), (4.01, True), (math.nan, False)])
def test_steps_above_4_uv_are_too_coarse(lsb_uv: float, is_coarse: bool) -> None:
    assert (Quality.COARSE_LSB in faults(description=stream(1000.0, 1, lsb_uv))) is is_coarse


@pytest.mark.parametrize(("rate_hz", "is_narrow"), [(133.0, True), (134.0, False)])
def test_a_band_below_60_hz_is_too_narrow_for_muscle(rate_hz: float, is_narrow: bool) -> None:
    found = faults(description=stream(rate_hz, 1))
    assert (Quality.NARROW_BAND in found) is is_narrow


def test_what_blocks_and_what_is_only_reported() -> None:
    blocking = {Quality.LEAD_OFF, Quality.RAIL, Quality.NO_DATA, Quality.FLAT, Quality.NARROW_BAND}
    assert quality_set(BLOCKING_BITS) == blocking
    assert {one for one in Quality if not QUALITY_BITS[one] & BLOCKING_BITS} == set(Quality) - blocking


def test_gates_side_by_side_keep_their_own_limits() -> None:
    gates = [QualityGate.for_stream(stream(1000.0, 2, 0.1)), QualityGate.for_stream(stream(1000.0, 1, math.nan))]
    stacked = QualityGate.stacked(gates)
    assert stacked.has_scale.tolist() == [True, True, False]
    assert stacked.step.tolist() == [pytest.approx(0.1)] * 2 + [1.0]
    assert len(stacked.full_scale) == len(stacked.offset) == len(stacked.permanent) == len(stacked.least_repeats) == 3
