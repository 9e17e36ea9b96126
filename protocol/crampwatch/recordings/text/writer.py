"""Writing CSV tables that a spreadsheet opens and that `reader` reads back without any option."""

import math
from typing import BinaryIO

import numpy as np
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings.format import Progress
from crampwatch.recordings.recording import Recording

__all__ = ["write_csv"]

_BLOCK_SAMPLES = 16_384
"""Formatted at once; text takes some 100 bytes per sample in memory."""
_MOST_DECIMALS = 9
"""Nanoseconds of time, or far below the noise of any amplifier in microvolts."""


def write_csv(file: BinaryIO, recording: Recording, *, progress: Progress | None = None) -> None:
    """Write a recording as CSV: time, channels, and temperature if there is one; `nan` where a sample is missing."""
    file.write(_header_lines(recording).encode())
    stream = recording.stream
    step = recording.value_step if math.isfinite(recording.value_step) else stream.lsb_uv
    row = f"%.{_decimals(1 / stream.rate_hz)}f" + f",%.{_decimals(step)}f" * stream.channels
    total = recording.sample_count
    if total is None and progress is not None:  # counting takes little time compared with formatting text
        total = sum(len(chunk) for chunk in recording.chunks(_BLOCK_SAMPLES))
    done = 0
    for chunk in recording.chunks(_BLOCK_SAMPLES):
        times = (done + np.arange(len(chunk))) / stream.rate_hz
        values = tuple(np.column_stack([times, chunk]).reshape(-1).tolist())
        ends = _temperature_cells(recording, done, len(chunk))
        file.write(("".join([row + end for end in ends]) % values).encode())
        done += len(chunk)
        if progress is not None:
            progress(done, total or done)


def _header_lines(recording: Recording) -> str:
    stream = recording.stream
    is_simulated = recording.origin is Origin.DEMO
    lines = [f"crampwatch recording{', simulated' if is_simulated else ''}", f"rate_hz: {stream.rate_hz!r}"]
    lines.append(f"origin: {recording.origin}")
    if stream.has_scale:
        lines.append("unit: uV")
    if recording.start_utc_ns is not None:
        lines.append(f"start_utc_ns: {recording.start_utc_ns}")
    columns = ["time_s", *(_column_name(label) + ("_uV" if stream.has_scale else "") for label in stream.labels)]
    if recording.temperature is not None:
        lines.append(f"temperature_rate_hz: {recording.temperature.rate_hz!r}")
        columns.append("temperature_degC")
    return "".join(f"# {line}\n" for line in lines) + ",".join(columns) + "\n"


def _column_name(label: str) -> str:
    return "".join(letter if letter.isprintable() and letter not in ',;"#' else " " for letter in label).strip()


def _decimals(step: float) -> int:
    """Return how many decimals express multiples of a step exactly, up to a useful limit."""
    return next((n for n in range(_MOST_DECIMALS) if _is_close_to_integer(step * 10**n)), _MOST_DECIMALS)


def _is_close_to_integer(value: float) -> bool:
    return value >= 0.5 and abs(value - round(value)) <= 1e-3 * value


def _temperature_cells(recording: Recording, first: int, count: int) -> list[str]:
    """Return the last cell of each row: a temperature in the row of the sample it belongs to, else empty."""
    if recording.temperature is None:
        return ["\n"] * count
    values, rate_hz = recording.temperature
    cells = [",\n"] * count
    stride = max(1, round(recording.stream.rate_hz / rate_hz))
    for index in range(-first % stride, count, stride):
        at = (first + index) // stride
        if at < len(values):
            cells[index] = f",{values[at]:.3f}\n"
    return cells
