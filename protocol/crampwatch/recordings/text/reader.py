"""Reading text tables (CSV, TSV, TXT) with one sample per line.

`table` detects the layout from the first lines. What the samples mean is stated, if at all, in the lines before the
table or in the column names: the sampling rate (`rate_hz: 1000`, "Sampling frequency 1 kHz", or a regular time
column), the unit, the start. A rate is never guessed: if the file leaves any doubt, the user must give it.
"""

import logging
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings.channel_choice import Candidate, Choice, choose, find_temperature
from crampwatch.recordings.format import HEAD_BYTES, ReadOptions
from crampwatch.recordings.limits import check_rate
from crampwatch.recordings.recording import Recording, Samples, Temperature, describe_stream
from crampwatch.recordings.text.lines import data_lines, encoding_of
from crampwatch.recordings.text.table import Table, find_table, parse_rows
from crampwatch.recordings.units import to_celsius, uv_per_unit
from crampwatch.recordings.value_step import FINEST_STEP_UV, value_step

__all__ = ["read_text"]

_RATE = re.compile(
    r"(?:sampl\w*[ _-]*(?:rate|freq\w*)|rate_hz|\bfs\b)[^0-9\n]{0,16}(\d+(?:\.\d+)?(?:e\d+)?)\s*(khz)?",
    re.IGNORECASE | re.ASCII,
)
# A line such as `origin: demo`.
_STATEMENT = r"^\W*{name}\s*:?=?\s*(\S+)\s*$"
# Names of time columns in English, German and French.
_TIME = re.compile(r"(time|t|zeit|temps|timestamps?|seconds?|elapsed|ms)(?![^\W_])", re.IGNORECASE)
_TIME_UNITS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "ns": 1e-9}
_LARGEST_STEP_S = 0.1
"""A time column that advances by less per row must be in seconds; larger steps may be milliseconds or sample
numbers."""
_STEP_TOLERANCE = 0.1
"""Part of a step by which the steps of a regular time column may differ: printed decimals are rounded."""
_COUNTED_BYTES = 64 << 20
"""Lines of larger files are not counted before reading them: it would take seconds."""
_MOST_UNREADABLE = 0.5
"""Share of unreadable lines in a piece beyond which the file is not the table its first lines promised."""
_LARGEST_VALUE = 1e12
"""As in `Recording.chunks`: larger values are no measurement."""
_LARGEST_CELL = 1e100
"""Differences of larger values could overflow."""
_ADVICE = "Expected one sample per line, in columns separated by comma, semicolon, tab or blanks."

_log = logging.getLogger(__name__)


def read_text(path: Path, options: ReadOptions) -> Recording:
    """Open a table. Only its first lines are examined, and its lines are counted if that takes less than a second.

    Raises:
        RecordingError: There is no table of numbers in the file.
        ConfigurationError: The options do not fit it, or the sampling rate is neither stated nor given.
    """
    try:
        return _open(path, options)
    except CrampwatchError as error:
        raise type(error)(f"{path}: {error.message}", advice=error.advice) from error


@dataclass(frozen=True, slots=True)
class _Text:
    """A text file with a table in it.

    Attributes:
        encoding: Name of the codec.
        table: Layout of the cells.
        head: Values of the first rows, all numeric columns.
    """

    path: Path
    encoding: str
    table: Table
    head: Samples

    def label(self, column: int) -> str:
        """Return the name of a column, or its number if it has none."""
        return self.table.labels[column] or f"column {column + 1}"

    def head_of(self, column: int) -> Samples:
        """Return the first values of a numeric column."""
        return self.head[:, self.table.numeric.index(column)]

    def stated(self, name: str) -> str | None:
        """Return the word that a line `name: word` before the table states."""
        found = re.search(_STATEMENT.format(name=name), self.table.preamble, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else None


def _open(path: Path, options: ReadOptions) -> Recording:
    text = _find_table_in(path)
    rate_hz = options.rate_hz or _stated_rate(text)
    choice = _choose_columns(text, options, rate_hz)
    scales = [options.scale_uv or _uv_per_unit(text, column) for column in choice.indices]
    known = all(scale is not None for scale in scales)
    factors = np.array([(scale or 1.0) if known else 1.0 for scale in scales])
    head = np.column_stack([text.head_of(column) for column in choice.indices])
    step = _find_step(head, factors, known=known)
    is_simulated = text.stated("origin") == Origin.DEMO
    return Recording(
        stream=describe_stream(
            labels=[text.label(column) for column in choice.indices],
            rate_hz=rate_hz,
            lsb_uv=step if known else math.nan,
            sample_format=SampleFormat.INT24,
        ),
        blocks=partial(_blocks, text, choice.indices, factors),
        origin=Origin.DEMO if is_simulated else Origin.REPLAY,
        source_text=_source_text(text, choice, factors if known else None) + ("; simulated" if is_simulated else ""),
        start_utc_ns=_stated_start(text),
        sample_count=_count_samples(text),
        temperature=_temperature(text, rate_hz),
        value_step=step,
    )


def _find_table_in(path: Path) -> _Text:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        is_whole = not file.read(1)
    encoding = encoding_of(head)
    lines = head.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    table = find_table(lines if is_whole else lines[:-1])
    if table is None:
        raise RecordingError(
            f"There is no table of numbers in the first {len(lines)} lines, which begin with {lines[0][:60]!r}.",
            advice=_ADVICE,
        )
    rows = next(data_lines(path, encoding, table.header_lines), [])[: len(lines)]
    values, _ = parse_rows(rows, table, table.numeric)
    # Values that are no measurement must not spoil the search for a step or a time column.
    values[np.abs(values) > _LARGEST_CELL] = math.nan
    return _Text(path, encoding, table, values)


def _stated_rate(text: _Text) -> float:
    """Return the sampling rate from the header, or from a time column that leaves no doubt."""
    found = _RATE.search(text.table.preamble)
    if found:
        return check_rate(float(found[1]) * (1000.0 if found[2] else 1.0), "The header")
    for column in text.table.numeric:
        rate_hz = _rate_of_times(text, column)
        if rate_hz is not None:
            return check_rate(rate_hz, f"The time column {text.label(column)!r}")
    raise ConfigurationError("The table does not state its sampling rate.", advice="Give it with --rate-hz.")


def _rate_of_times(text: _Text, column: int) -> float | None:
    """Return the rate of a regular time column whose unit is stated or can only be seconds; else None."""
    if not _is_time(text, column):
        return None
    times = text.head_of(column)
    steps = np.diff(times)
    if len(steps) < 2 or not np.all(np.abs(steps - np.median(steps)) <= _STEP_TOLERANCE * np.median(steps)):
        return None
    unit = (text.table.units[column] or text.label(column).rpartition("_")[2]).lower()
    second = _TIME_UNITS.get(unit, 1.0 if steps[0] < _LARGEST_STEP_S else None)
    if second is None:
        return None
    rate_hz = len(steps) / float(times[-1] - times[0]) / second
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-3 * rate_hz else rate_hz


def _is_time(text: _Text, column: int) -> bool:
    """Return whether a column is named like time or, in a table without names, is the first and rises evenly."""
    if text.table.labels[column]:
        return _TIME.match(text.table.labels[column]) is not None
    steps = np.diff(text.head_of(column))
    is_first = column == 0 and len(text.table.numeric) > 1
    return is_first and len(steps) > 1 and bool(np.all(steps > 0)) and bool(np.ptp(steps) <= _STEP_TOLERANCE * steps[0])


def _choose_columns(text: _Text, options: ReadOptions, rate_hz: float) -> Choice:
    table = text.table
    if options.column is not None and options.channels is not None:
        raise ConfigurationError("Both channels and columns were given.", advice="Give either --channels or --column.")
    candidates = [Candidate(text.label(i), table.units[i], rate_hz) for i in range(len(table.labels))]
    requested: Sequence[str | int] | None = options.column if options.column is not None else options.channels
    if requested is None:
        pool = [i for i in table.numeric if not _is_time(text, i)]
        choice = choose([candidates[i] for i in pool], None)
        return Choice(tuple(pool[i] for i in choice.indices), choice.reason)
    choice = choose(candidates, requested)
    not_numeric = [repr(text.label(i)) for i in choice.indices if i not in table.numeric]
    if not_numeric:
        raise ConfigurationError(f"{', '.join(not_numeric)} holds no numbers.", advice="Choose other columns, from 1.")
    return choice


def _uv_per_unit(text: _Text, column: int) -> float | None:
    return uv_per_unit(text.table.units[column] or text.stated("units?") or "")


def _find_step(head: Samples, factors: Samples, *, known: bool) -> float:
    """Return the step of the values, or a millionth of their range if they have none."""
    with np.errstate(all="ignore"):
        scaled = head * factors
    if known:
        return value_step(scaled, finest=FINEST_STEP_UV)
    finite = scaled[np.abs(scaled) < _LARGEST_VALUE]
    return value_step(scaled, finest=max(float(np.ptp(finite)) if finite.size else 0.0, 1e-9) / 2**20)


def _blocks(text: _Text, columns: Sequence[int], factors: Samples) -> Iterator[Samples]:
    unreadable = 0
    for lines in data_lines(text.path, text.encoding, text.table.header_lines):
        values, bad_rows = parse_rows(lines, text.table, columns)
        if bad_rows > max(1.0, _MOST_UNREADABLE * len(lines)):
            raise RecordingError(f"{text.path}: {bad_rows} of {len(lines)} lines are not numbers.", advice=_ADVICE)
        unreadable += bad_rows
        with np.errstate(all="ignore"):  # a value that overflows is no measurement and becomes missing
            scaled = values * factors
        yield scaled
    if unreadable:
        _log.warning("%s: %d lines could not be read and count as missing samples", text.path, unreadable)


def _count_samples(text: _Text) -> int | None:
    if text.path.stat().st_size > _COUNTED_BYTES:
        return None
    return sum(len(lines) for lines in data_lines(text.path, text.encoding, text.table.header_lines))


def _stated_start(text: _Text) -> int | None:
    stated = text.stated("start_utc_ns")
    return int(stated) if stated and re.fullmatch(r"\d{1,19}", stated, re.ASCII) else None


def _temperature(text: _Text, rate_hz: float) -> Temperature | None:
    """Return the temperature column, thinned out to one value per second unless the file states another rate."""
    table = text.table
    column = find_temperature(
        [Candidate(label, unit, rate_hz) for label, unit in zip(table.labels, table.units, strict=True)]
    )
    if column is None:
        return None
    stated = text.stated("temperature_rate_hz") or "1"
    target_hz = float(stated) if re.fullmatch(r"\d{1,5}(\.\d{1,9})?", stated, re.ASCII) else 1.0
    stride = max(1, round(rate_hz / target_hz)) if target_hz > 0 else round(rate_hz)
    pieces, at = [], 0
    for lines in data_lines(text.path, text.encoding, table.header_lines):
        pieces.append(parse_rows(lines[-at % stride :: stride], table, [column])[0][:, 0])
        at += len(lines)
    values = np.concatenate(pieces) if pieces else np.empty(0)
    if not np.isfinite(values).any():
        return None
    return Temperature(to_celsius(values, table.units[column]), rate_hz / stride)


def _source_text(text: _Text, choice: Choice, factors: Samples | None) -> str:
    labels = ", ".join(repr(text.label(i)) for i in choice.indices)
    scale = "unknown scale, relative units" if factors is None else f"{max(factors):.4g} uV per unit"
    return f"{text.path}, text table, {labels} ({choice.reason}), {scale}"
