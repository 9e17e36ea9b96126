"""A recording as a sensor's signal."""

import math

import numpy as np
import pytest
from crampwatch.firmware_sim.device.recorded import RecordedSource
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import Recording, Temperature, describe_stream
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray


def recording(
    samples: NDArray[np.float64],
    *,
    lsb_uv: float = math.nan,
    form: SampleFormat = SampleFormat.INT16,
    value_step: float = math.nan,
    sample_count: int | None = None,
) -> Recording:
    labels = [f"EMG {n}" for n in range(samples.shape[1])]
    return Recording(
        stream=describe_stream(labels=labels, rate_hz=100.0, lsb_uv=lsb_uv, sample_format=form),
        blocks=lambda: [samples[start : start + 33] for start in range(0, len(samples), 33)],
        origin=Origin.LIVE,
        source_text="made for a test",
        sample_count=sample_count,
        temperature=Temperature(np.array([30.0, 31.0]), 1.0),
        value_step=value_step,
    )


WAVE = np.round(np.sin(np.arange(1_000) / 7)[:, None] * [1_000.0, -300.0])


@given(st.lists(st.tuples(st.integers(0, 1_100), st.integers(1, 300)), min_size=1, max_size=8))
def test_any_piece_can_be_read_in_any_order(pieces: list[tuple[int, int]]) -> None:
    source = RecordedSource(recording(WAVE, lsb_uv=1.0, sample_count=1_000))
    for first, count in pieces:
        np.testing.assert_allclose(source.read(first, count), WAVE[first : first + count])


def test_sixteen_bits_of_known_scale_are_taken_as_they_are() -> None:
    source = RecordedSource(recording(WAVE, lsb_uv=0.5, sample_count=1_000))
    assert (source.stream.lsb_uv, source.stream.format) == (0.5, SampleFormat.INT16)
    assert source.duration_samples == 1_000


def test_an_unknown_scale_stays_unknown_and_counts_are_steps_of_the_file() -> None:
    source = RecordedSource(recording(WAVE * 0.25, value_step=0.25))
    assert not source.stream.has_scale
    assert source.duration_samples == 1_000
    np.testing.assert_array_equal(source.read(0, 1_000), WAVE)


def test_what_sixteen_bits_do_not_hold_is_sent_in_twenty_four() -> None:
    source = RecordedSource(recording(WAVE * 100, lsb_uv=1.0, form=SampleFormat.INT24))
    assert source.stream.format is SampleFormat.INT24
    assert source.stream.lsb_uv == pytest.approx(1.0)
    np.testing.assert_array_equal(source.read(0, 1_000), WAVE * 100)


def test_a_range_beyond_twenty_four_bits_is_coarsened_not_clipped() -> None:
    source = RecordedSource(recording(WAVE * 1e6, value_step=0.01))
    counts = source.read(0, 1_000)
    assert np.abs(counts).max() == pytest.approx(0x7FFFFF)


def test_missing_samples_stay_missing_and_silence_is_no_error() -> None:
    samples = np.zeros((100, 1))
    samples[40:50] = math.nan
    source = RecordedSource(recording(samples))
    assert np.isnan(source.read(0, 100)).sum() == 10


def test_an_empty_recording_is_refused() -> None:
    with pytest.raises(RecordingError, match="no samples"):
        RecordedSource(recording(np.zeros((0, 1))))


def test_temperature_beyond_its_end_is_not_known() -> None:
    source = RecordedSource(recording(WAVE, lsb_uv=1.0, sample_count=1_000))
    assert source.temperature_rate_hz == 1.0
    np.testing.assert_array_equal(source.temperature_c(1, 3), [31.0, math.nan, math.nan])
