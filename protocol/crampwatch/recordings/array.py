"""Recordings from arrays in memory: to write them to a file, or to pass a temperature or a time along."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.samples import as_matrix, checked_labels, checked_rate, without_absurd
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording, Samples, Temperature, describe_stream
from crampwatch.recordings.value_step import FINEST_STEP_UV, value_step
from numpy.typing import ArrayLike, NDArray

__all__ = ["from_array"]


def from_array(
    emg_uv: ArrayLike,
    *,
    rate_hz: float,
    labels: Sequence[str] = (),
    start: datetime | None = None,
    temperature: Temperature | None = None,
    is_simulated: bool = False,
) -> Recording:
    """Return a recording of an array.

    >>> from_array([1.0, 2.0, 4.0], rate_hz=1000, labels=["EMG arch"])
    <Recording of EMG arch at 1000 Hz for 0.003 s: an array>

    Args:
        emg_uv: Microvolts, (samples,) or (samples, channels), NaN where missing. The array is not copied.
        rate_hz: Samples per second.
        labels: One per channel; without labels the channels are numbered.
        start: Time of the first sample, with a time zone.
        temperature: Of the skin.
        is_simulated: Whether no person was measured; files and reports are marked accordingly.

    Raises:
        TypeError: Samples or rates are not real numbers, or start or temperature are of another type.
        ValueError: Shape, rate or labels do not fit, there is no sample, or the start has no time zone.
    """
    rows, rate = as_matrix(emg_uv), checked_rate(rate_hz)
    if not len(rows):
        raise ValueError("there are no samples")
    if temperature is not None:
        temperature = _check_temperature(temperature)
    if start is not None and not isinstance(start, datetime):
        raise TypeError(f"start must be a datetime with a time zone, got {type(start).__name__}")
    if start is not None and start.tzinfo is None:
        raise ValueError(f"start is {start} without a time zone; use datetime(..., tzinfo=UTC) or start.astimezone()")
    step = value_step(without_absurd(rows[:BLOCK_SAMPLES]), finest=FINEST_STEP_UV)
    names = checked_labels(labels, rows.shape[1]) or ("",) * rows.shape[1]
    return Recording(
        stream=describe_stream(labels=names, rate_hz=rate, lsb_uv=step, sample_format=SampleFormat.INT24),
        blocks=partial(_blocks, rows),
        origin=Origin.DEMO if is_simulated else Origin.REPLAY,
        source_text="an array",
        start_utc_ns=None if start is None else round(start.timestamp() * 1e6) * 1000,
        sample_count=len(rows),
        temperature=temperature,
        value_step=step,
    )


def _check_temperature(temperature: Temperature) -> Temperature:
    """Return a temperature whose values are an array and whose rate is positive."""
    if not isinstance(temperature, Temperature):
        raise TypeError(f"temperature must be a Temperature(values_c, rate_hz), got {type(temperature).__name__}")
    values = without_absurd(as_matrix(temperature.values_c, channels=1)[:, 0])
    rate = temperature.rate_hz
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)):
        raise TypeError(f"the rate of the temperature must be a number, got {type(rate).__name__}")
    if not 0 < rate < math.inf:
        raise ValueError(f"the rate of the temperature is {rate:g} Hz; it must be positive")
    return Temperature(values, float(rate))


def _blocks(rows: NDArray[Any]) -> Iterator[Samples]:
    for first in range(0, len(rows), BLOCK_SAMPLES):
        yield without_absurd(rows[first : first + BLOCK_SAMPLES])
