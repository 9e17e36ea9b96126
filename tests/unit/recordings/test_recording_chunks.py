import doctest
import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import Recording, describe_stream, gaps, units
from crampwatch.recordings import value_step as value_step_module
from crampwatch.recordings.edf import header as edf_header
from crampwatch.recordings.value_step import value_step
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

STREAM = describe_stream(labels=["a", ""], rate_hz=100.0, lsb_uv=1.0, sample_format=SampleFormat.INT16)


def recording(*blocks: NDArray[np.float64]) -> Recording:
    return Recording(stream=STREAM, blocks=lambda: iter(blocks), origin=Origin.REPLAY, source_text="memory")


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 40))
def test_any_blocks_come_out_as_chunks_of_one_size_in_order(sizes: list[int], chunk_samples: int) -> None:
    edges = itertools.pairwise([0, *itertools.accumulate(sizes)])
    blocks = [np.repeat(np.arange(start, stop, dtype=float)[:, None], 2, axis=1) for start, stop in edges]
    chunks = list(recording(*blocks).chunks(chunk_samples))
    assert all(len(chunk) == chunk_samples for chunk in chunks[:-1])
    assert [value for chunk in chunks for value in chunk[:, 1]] == list(range(sum(sizes)))


def test_chunks_can_be_read_again_and_belong_to_the_reader() -> None:
    block = np.ones((4, 2))
    opened = recording(block)
    next(opened.chunks(4))[:] = 7.0
    assert np.array_equal(next(opened.chunks(4)), np.ones((4, 2)))


def test_what_is_no_measurement_counts_as_missing() -> None:
    chunk = next(recording(np.array([[math.inf, -math.inf], [1e300, 2.0], [math.nan, 3.0]])).chunks(9))
    assert np.array_equal(chunk, [[math.nan, math.nan], [math.nan, 2.0], [math.nan, 3.0]], equal_nan=True)


def test_a_disk_that_fails_in_the_middle_is_a_recording_error() -> None:
    def blocks() -> Iterator[NDArray[np.float64]]:
        yield np.zeros((2, 2))
        raise OSError(5, "Input/output error")

    opened = Recording(stream=STREAM, blocks=blocks, origin=Origin.REPLAY, source_text="stick/night.edf")
    with pytest.raises(RecordingError, match=r"stick/night\.edf.*Input/output error"):
        list(opened.chunks(2))


def test_a_chunk_holds_at_least_one_sample() -> None:
    with pytest.raises(ValueError, match="at least one"):
        next(recording().chunks(0))


def test_channels_without_a_label_are_numbered_and_an_unstated_band_is_wide_open() -> None:
    assert STREAM.labels == ("a", "EMG 2")
    assert STREAM.band_hz == (0.0, 50.0)


@given(st.sampled_from([0.25, 0.75, 1.0, 31.25]), st.integers(0, 2**32 - 1))
def test_the_step_of_a_converter_shows_in_its_values(step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = np.rint(rng.normal(0, 20, (500, 1))) * step + 3.1
    assert value_step(samples, finest=0.01) == pytest.approx(step)


def test_steps_show_through_printed_decimals() -> None:
    samples = np.rint(np.random.default_rng(2).normal(0, 20, (500, 1))) * 0.75
    assert value_step(np.round(samples, 1), finest=0.01) == pytest.approx(0.75, rel=0.01)


def test_values_without_steps_have_the_finest_one() -> None:
    rng = np.random.default_rng(1)
    assert value_step(rng.normal(0, 5, (5000, 2)), finest=0.01) == 0.01
    assert value_step(np.full((100, 1), math.nan), finest=0.01) == 0.01


@pytest.mark.parametrize("module", [edf_header, gaps, units, value_step_module])
def test_examples_in_the_documentation_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # a module, which parametrize cannot tell


def test_a_recording_loads_as_one_array_and_describes_itself() -> None:
    opened = Recording(
        stream=STREAM,
        blocks=lambda: iter([np.ones((3, 2)), np.zeros((4, 2))]),
        origin=Origin.DEMO,
        source_text="night.edf, EDF+",
        start_utc_ns=1_709_421_304_000_001_999,
        sample_count=7,
    )
    assert np.array_equal(opened.samples(), np.concatenate([np.ones((3, 2)), np.zeros((4, 2))]))
    assert (opened.rate_hz, opened.labels, opened.duration_s) == (100.0, ("a", "EMG 2"), 0.07)
    assert opened.start == datetime(2024, 3, 2, 23, 15, 4, 1, tzinfo=UTC)
    assert (opened.has_scale, opened.is_simulated) == (True, True)
    assert repr(opened) == (
        "<Recording of a, EMG 2 at 100 Hz for 0.07 s from 2024-03-02 23:15:04 UTC simulated: night.edf, EDF+>"
    )


def test_what_a_recording_does_not_state_is_none() -> None:
    opened = recording(np.zeros((2, 2)))
    assert (opened.start, opened.duration_s, opened.is_simulated) == (None, None, False)
    assert repr(opened) == "<Recording of a, EMG 2 at 100 Hz: memory>"


def test_an_empty_recording_has_its_channels() -> None:
    assert recording().samples().shape == (0, 2)
