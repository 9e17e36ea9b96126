"""Limits of a calibration, at exactly the bound and just beside it, on measures rather than on a signal."""

import math

import msgspec
import numpy as np
import pytest
from crampwatch.detector.calibration import builder as module
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment
from crampwatch.detector.calibration.calibration import (
    Calibration,
    CalibrationRefusedError,
    ChannelCalibration,
    Phase,
    decode,
    encode,
    with_id,
)
from crampwatch.detector.model.events import QUALITY_BITS
from crampwatch.detector.signal.grid import Grid
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Quality
from numpy.typing import ArrayLike
from signals.detector_recordings import Array, stream

RATE_HZ = 500.0
GRID = Grid.at_rate(RATE_HZ)
DB_13 = 10.0**1.3


def part(power: ArrayLike, *, motion: float = 0.0, flagged: int = 0, quality: Quality | None = None) -> module._Part:
    """Return hops of one channel, the first of them flagged."""
    column = np.asarray(power, np.float64).reshape(-1, 1)
    bits = np.zeros(column.shape, np.uint16)
    if quality is not None:
        bits[:flagged] = QUALITY_BITS[quality]
    return module._Part(column, np.full(column.shape, motion), bits)


CURLED = part(np.full(100, 100.0))
RESTED = part(np.ones(100))
ONE = np.ones(1)


def test_a_phase_has_forty_usable_hops() -> None:
    enough, short = part(np.ones(40)), part(np.ones(39))
    module._check_length({Phase.REST: enough, Phase.CURL: enough}, GRID)
    for phases in ({Phase.REST: short, Phase.CURL: enough}, {Phase.REST: enough, Phase.CURL: short}):
        with pytest.raises(CalibrationRefusedError, match=r"Only 3\.9 s"):
            module._check_length(phases, GRID)


@pytest.mark.parametrize("quality", [Quality.LEAD_OFF, Quality.RAIL, Quality.NO_DATA, Quality.FLAT])
def test_a_fifth_of_the_rest_may_be_unusable(quality: Quality) -> None:
    module._check_contact(part(np.ones(100), flagged=20, quality=quality), CURLED)
    with pytest.raises(CalibrationRefusedError, match="21%"):
        module._check_contact(part(np.ones(100), flagged=21, quality=quality), CURLED)


@pytest.mark.parametrize("value", [math.nan, 0.0])
def test_rest_without_power_is_unusable(value: float) -> None:
    module._check_contact(part([value] * 20 + [1.0] * 80), CURLED)
    with pytest.raises(CalibrationRefusedError, match="contact of channel 1 is bad"):
        module._check_contact(part([value] * 21 + [1.0] * 79), CURLED)


@pytest.mark.parametrize("quality", [Quality.CLIPPED, Quality.RAIL])
def test_a_tenth_of_the_curls_may_be_at_the_limit(quality: Quality) -> None:
    module._check_contact(RESTED, part(np.ones(100), flagged=10, quality=quality))
    with pytest.raises(CalibrationRefusedError, match="at its limit for 11%"):
        module._check_contact(RESTED, part(np.ones(100), flagged=11, quality=quality))


def test_rest_may_vary_by_nine_decibels_and_is_the_median() -> None:
    def rest(spread_db: float) -> module._Part:
        return part([1.0] * 49 + [2.0] * 2 + [10.0 ** (spread_db / 10)] * 49)

    assert module._check_rest(rest(8.99)).tolist() == [2.0]
    with pytest.raises(CalibrationRefusedError, match="varied by 9 dB"):
        module._check_rest(rest(9.01))


def test_curls_stand_out_by_ten_decibels() -> None:
    module._check_curl(CURLED, ONE, 10.01 * ONE, GRID)
    with pytest.raises(CalibrationRefusedError, match="toe curls were not seen"):
        module._check_curl(CURLED, ONE, 9.99 * ONE, GRID)


def test_curls_last_a_second_and_a_half_above_four_times_the_power_at_rest() -> None:
    module._check_curl(part([4.01] * 15 + [1.0] * 85), ONE, 100.0 * ONE, GRID)
    for power in ([4.01] * 14 + [1.0] * 86, [4.0] * 100):
        with pytest.raises(CalibrationRefusedError, match="toe curls were not seen"):
            module._check_curl(part(power), ONE, 100.0 * ONE, GRID)


def test_curls_are_mostly_muscle() -> None:
    module._check_curl(part(np.full(100, 100.0), motion=99.0 * DB_13), ONE, 100.0 * ONE, GRID)
    with pytest.raises(CalibrationRefusedError, match="mostly motion of the electrodes"):
        module._check_curl(part(np.full(100, 100.0), motion=101.0 * DB_13), ONE, 100.0 * ONE, GRID)


def test_the_ankle_gives_the_own_amplitude_where_it_is_stronger_and_muscle() -> None:
    def own(motion: float, *, curled: float = 100.0, moved: float = 400.0) -> float | None:
        (channel,) = module._calibrate_channels(ONE, curled * ONE, moved * ONE, part(np.full(50, moved), motion=motion))
        return channel.own

    assert own(motion=380.0 * DB_13) == 20.0
    assert own(motion=420.0 * DB_13) == 10.0
    assert own(motion=1.0, moved=50.0) == 10.0


def test_what_hardly_stands_out_from_rest_gives_no_reference() -> None:
    nothing = part(np.empty(0))
    for curled, curl, own in ((1.0, None, None), (4.0, 2.0, None), (10.0, 3.162, None), (16.0, 4.0, 4.0)):
        (channel,) = module._calibrate_channels(ONE, curled * ONE, 0.0 * ONE, nothing)
        assert (channel.curl, channel.own) == (curl, own)


def test_the_strongest_amplitude_is_that_of_one_second() -> None:
    builder = CalibrationBuilder(stream(RATE_HZ, 1))
    assert builder._strongest_second(part([1.0] * 30 + [101.0] * 10 + [1.0] * 30), ONE).tolist() == [100.0]
    blocked = part([101.0] * 10 + [1.0] * 30, flagged=10, quality=Quality.LEAD_OFF)
    assert builder._strongest_second(blocked, ONE).tolist() == [0.0]


def minute(*, rest_s: float = 15.0, quiet_s: float = 0.0) -> Array:
    """Return rest, three curls and quiet on one channel."""
    rng = np.random.default_rng(1)
    emg = rng.normal(0.0, 2.0, (round((rest_s + 15.0 + quiet_s) * RATE_HZ), 1))
    for onset_s in (2.0, 6.0, 10.0):
        first = round((rest_s + onset_s) * RATE_HZ)
        emg[first : first + 1000] += rng.normal(0.0, 100.0, (1000, 1))
    return emg


def segments(*, rest_s: float = 15.0, late_samples: int = 0) -> tuple[Segment, ...]:
    edge, stop = round(rest_s * RATE_HZ), round((rest_s + 15.0) * RATE_HZ) + late_samples
    return Segment(Phase.REST, 0, edge), Segment(Phase.CURL, edge, stop)


def built(emg: Array, of: tuple[Segment, ...]) -> Calibration:
    builder = CalibrationBuilder(stream(RATE_HZ, 1))
    for first in range(0, len(emg), 5000):
        builder.push(first, emg[first : first + 5000])
    return builder.build(of)


def test_a_second_is_trimmed_at_each_end_of_a_phase() -> None:
    assert built(minute(rest_s=6.0), segments(rest_s=6.0))
    with pytest.raises(CalibrationRefusedError, match=r"Only 3\.8 s of the phase rest"):
        built(minute(rest_s=5.8), segments(rest_s=5.8))


def test_a_calibration_applies_ten_seconds_after_its_last_phase() -> None:
    assert built(minute(), segments()).valid_from_index == round(40.0 * RATE_HZ)


def test_the_last_phase_may_end_with_the_signal_and_not_after_it() -> None:
    assert built(minute(), segments())
    with pytest.raises(CalibrationRefusedError, match="ends before the phase curl"):
        built(minute(), segments(late_samples=1))


def test_ten_minutes_of_signal_are_kept() -> None:
    assert built(minute(quiet_s=570.0), segments())
    with pytest.raises(CalibrationRefusedError, match="of the phase rest are usable"):
        built(minute(quiet_s=590.0), segments())


def test_a_gap_of_more_than_five_seconds_starts_the_filters_again() -> None:
    def hops(gap_s: float) -> tuple[int, bool]:
        emg, second = minute(), round(RATE_HZ)
        builder = CalibrationBuilder(stream(RATE_HZ, 1))
        builder.push(0, emg[: 10 * second])
        builder.push(10 * second + round(gap_s * RATE_HZ), emg[: 2 * second])
        last = builder._parts[-1][1]
        return sum(len(one.power) for _, one in builder._parts), bool(np.isfinite(last.power[0, 0]))

    walked, _ = hops(5.0)
    jumped, settles_at_once = hops(5.002)
    assert walked >= jumped + 49  # every hop of the gap is there, without signal
    assert not settles_at_once


CALIBRATION = with_id(
    Calibration(
        rate_hz=500.0,
        unit="uV",
        lsb_uv=0.2,
        channels=(ChannelCalibration(rest=2.0, curl=60.0, own=70.0, motion_db=None),),
    )
)


def test_a_calibration_fits_a_rate_within_a_thousandth_and_as_many_channels() -> None:
    assert CALIBRATION.fits(stream(500.0 * 1.0009, 1))
    assert not CALIBRATION.fits(stream(500.0 * 1.0011, 1))
    assert not CALIBRATION.fits(stream(500.0, 2))


def test_a_file_of_a_calibration_has_at_most_64_kilobytes() -> None:
    data = encode(CALIBRATION)
    assert decode(data + b" " * (65_536 - len(data))) == CALIBRATION
    with pytest.raises(RecordingError, match="65537 bytes"):
        decode(data + b" " * (65_537 - len(data)))


def test_a_calibration_is_named_by_its_id_and_its_day_where_that_is_known() -> None:
    assert CALIBRATION.name == CALIBRATION.id
    dated = msgspec.structs.replace(CALIBRATION, made_ns=1_700_000_000 * 10**9)
    assert dated.name == f"{CALIBRATION.id} of 2023-11-14"
