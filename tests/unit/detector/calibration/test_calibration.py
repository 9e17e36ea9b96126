"""What a minute of known doing gives, and what is refused: garbage gives a plain refusal, never a NaN."""

import math

import msgspec
import numpy as np
import pytest
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment, SensorPlacement
from crampwatch.detector.calibration.calibration import (
    Calibration,
    CalibrationRefusedError,
    Phase,
    decode,
    encode,
    with_id,
)
from crampwatch.protocol.errors import RecordingError
from hypothesis import given, settings
from hypothesis import strategies as st
from signals.detector_recordings import Array, stream

RATE_HZ = 500.0
SEGMENTS = tuple(
    Segment(phase, round(first_s * RATE_HZ), round(last_s * RATE_HZ))
    for phase, first_s, last_s in ((Phase.REST, 0.0, 15.0), (Phase.CURL, 15.0, 30.0), (Phase.ANKLE, 30.0, 45.0))
)


def minute(*, floor_uv: float = 2.0, curl_uv: tuple[float, float] = (100.0, 40.0), seed: int = 1) -> Array:
    """Rest, three curls, and an ankle that moves, on two channels."""
    rng = np.random.default_rng(seed)
    emg = rng.normal(0.0, floor_uv, (round(45.0 * RATE_HZ), 2))
    for onset_s, share in ((17.0, 1.0), (21.0, 0.9), (25.0, 0.95), (33.0, 0.2), (36.0, 0.3), (40.0, 0.2)):
        rows = slice(round(onset_s * RATE_HZ), round((onset_s + 2.0) * RATE_HZ))
        emg[rows] += rng.normal(0.0, share, emg[rows].shape) * curl_uv
    return emg


def made(emg: Array, segments: tuple[Segment, ...] = SEGMENTS, *, lsb_uv: float = 0.2) -> Calibration:
    builder = CalibrationBuilder(stream(RATE_HZ, emg.shape[1], lsb_uv))
    builder.push(0, emg)
    return builder.build(
        segments, placement=SensorPlacement("CW-1", "left", "abductor hallucis", 7), made_ns=1_700_000_000 * 10**9
    )


def test_the_figures_are_those_of_the_signal() -> None:
    calibration = made(minute())
    kept = math.sqrt((225 - 20) / 250)  # the share of white noise that the front end passes at 500 Hz, about
    first, second = calibration.channels
    assert calibration.toe_channel == 0
    assert first.rest == pytest.approx(2.0 * kept, rel=0.15)
    assert first.own is not None
    assert first.own == pytest.approx(100.0 * kept, rel=0.15)
    assert second.own is not None
    assert second.own == pytest.approx(40.0 * kept, rel=0.15)
    assert calibration.unit == "uV"
    assert calibration.valid_from_index > SEGMENTS[-1].stop_index


def test_any_blocks_give_the_same_calibration() -> None:
    emg = minute()
    builder = CalibrationBuilder(stream(RATE_HZ, 2))
    rng = np.random.default_rng(3)
    first = 0
    while first < len(emg):
        builder.push(first, emg[first : first + int(rng.integers(1, 900))])
        first = builder.next_index
    builder.push(0, emg[:100])  # pushed before
    whole = made(emg)
    assert builder.build(SEGMENTS).channels == whole.channels


def test_a_channel_that_took_no_part_has_no_measure_of_its_own() -> None:
    calibration = made(minute(curl_uv=(100.0, 0.5)))
    assert calibration.channels[1].own is None
    assert math.isnan(calibration.own_amplitude(1))


def test_a_scale_that_is_unknown_stays_so() -> None:
    calibration = made(minute(), lsb_uv=math.nan)
    assert calibration.unit == "relative"
    assert calibration.fits(stream(RATE_HZ, 2, math.nan))
    assert not calibration.fits(stream(RATE_HZ, 2))
    assert not calibration.fits(stream(RATE_HZ, 1, math.nan))


def spoilt(emg: Array, first_s: float, last_s: float, value: float | Array) -> Array:
    emg = emg.copy()
    emg[round(first_s * RATE_HZ) : round(last_s * RATE_HZ)] = value
    return emg


@pytest.mark.parametrize(
    ("emg", "said"),
    [
        (minute(curl_uv=(3.0, 3.0)), "toe curls were not seen"),
        (minute()[: round(20.0 * RATE_HZ)], "ends before"),
        (spoilt(minute(), 0.0, 15.0, np.nan), "contact of channel 1 is bad"),
        (spoilt(minute(), 0.0, 15.0, 0.0), "contact of channel 1 is bad"),
        (spoilt(minute(), 4.0, 10.0, minute()[: round(6.0 * RATE_HZ)] * 20.0), "rest was not calm"),
        (spoilt(minute(), 15.0, 30.0, 6553.6), "at its limit"),
    ],
)
def test_a_poor_calibration_is_refused_with_a_plain_reason(emg: Array, said: str) -> None:
    with pytest.raises(CalibrationRefusedError, match=said) as refusal:
        made(emg)
    assert refusal.value.advice


def test_a_cable_that_moves_is_no_toe_curl() -> None:
    emg = minute(curl_uv=(12.0, 5.0))
    rows = slice(round(15.0 * RATE_HZ), round(30.0 * RATE_HZ))
    emg[rows] += 800.0 * np.sin(2 * np.pi * 4.0 * np.arange(rows.stop - rows.start) / RATE_HZ)[:, None]
    with pytest.raises(CalibrationRefusedError, match="motion of the electrodes"):
        made(emg)


def test_phases_that_are_missing_or_too_short_are_refused() -> None:
    for segments in ((), SEGMENTS[:1], SEGMENTS[1:], (SEGMENTS[0], Segment(Phase.CURL, 8000, 9000))):
        with pytest.raises(CalibrationRefusedError, match="of the phase"):
            made(minute(), segments)


def test_the_ankle_may_be_left_out() -> None:
    calibration = made(minute(), SEGMENTS[:2])
    assert calibration.channels[0].motion_db is None
    assert calibration.channels[0].own is not None


def test_the_code_keeps_everything_and_notices_changes() -> None:
    calibration = made(minute())
    assert decode(encode(calibration)) == calibration
    assert calibration.id == with_id(calibration).id
    altered = msgspec.structs.replace(calibration, side="right")
    for data in (encode(altered), b"", b"{}", b"null", encode(calibration)[:-9], b" " * 100_000):
        with pytest.raises(RecordingError):
            decode(data)


@given(data=st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(RecordingError):
        decode(data)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 1e-300, 1e-12, 1e-3, 1.0, 1e3, 1e8, 1e30, 1e300]),
    odd=st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e9, -32768.0]),
    share=st.sampled_from([0.0, 0.001, 0.3, 1.0]),
    edges=st.lists(st.integers(-1000, 12_000), min_size=6, max_size=6),
)
def test_garbage_is_refused_or_gives_finite_figures(
    seed: int, scale: float, odd: float, share: float, edges: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    channels = 1 + seed % 3
    emg = rng.normal(0.0, 1.0, (10_000, channels)) * rng.choice([1.0, 30.0], (10_000, channels)) * scale
    emg[rng.random(emg.shape) < share] = odd
    builder = CalibrationBuilder(stream(RATE_HZ, channels))
    builder.push(0, emg)
    segments = [Segment(phase, edges[2 * place], edges[2 * place + 1]) for place, phase in enumerate(Phase)]
    try:
        calibration = builder.build(segments)
    except CalibrationRefusedError:
        return
    assert decode(encode(calibration)) == calibration
