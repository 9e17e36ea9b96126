"""How a table of numbers is laid out in a text file, found by looking at its first lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from crampwatch.recordings.recording import Samples
from crampwatch.recordings.text.lines import COMMENT_MARKS

__all__ = ["Table", "find_table", "parse_rows"]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|nan|[+-]?inf", re.IGNORECASE | re.ASCII)
_DELIMITERS: tuple[str | None, ...] = ("\t", ";", ",", "|", None)
"""None stands for any run of blanks. The first of equals wins."""
_LINES_JUDGED = 200
_SHARE = 0.9
"""Part of the judged lines that must agree; the rest may be cut short or hold remarks."""
_UNIT_IN_LABEL = re.compile(
    r"\s*(?:[\[(]([^\])]*)[\])]|[_ ]((?:[mun\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]?V)|degC))$"
)


@dataclass(frozen=True, slots=True)
class Table:
    """The layout of a table.

    Attributes:
        delimiter: What separates cells; None for blanks.
        has_decimal_comma: Whether numbers are written like 0,5.
        header_lines: Lines before the first row.
        preamble: Those lines and comments, to look for facts.
        labels: One a column; empty texts where the file has none.
        units: One a column, as the labels tell; empty where they do not.
        numeric: Positions of the columns that hold numbers.
    """

    delimiter: str | None
    has_decimal_comma: bool
    header_lines: int
    preamble: str
    labels: tuple[str, ...]
    units: tuple[str, ...]
    numeric: tuple[int, ...]


def find_table(lines: Sequence[str]) -> Table | None:
    """Find a table in the first lines of a file; None where there is none."""
    judged = [line for line in lines if line.strip(" ") and not line.startswith(COMMENT_MARKS)][-_LINES_JUDGED:]
    shapes = [(delimiter, *_shape(judged, delimiter)) for delimiter in _DELIMITERS]
    # The most columns of numbers, and then the fewest of other things.
    delimiter, width, numeric = max(shapes, key=lambda shape: (len(shape[2]), -shape[1]))
    if not numeric:
        return None
    first = next((i for i, line in enumerate(lines) if _is_row(line, delimiter, width, numeric)), None)
    if first is None:
        return None
    labels = _labels(lines[:first], delimiter, width)
    units = [_UNIT_IN_LABEL.search(label) for label in labels]
    cells = (_cells(line, delimiter)[i : i + 1] for line in judged for i in numeric)
    return Table(
        delimiter=delimiter,
        has_decimal_comma=delimiter != "," and any("," in cell[0] for cell in cells if cell),
        header_lines=first,
        preamble="\n".join(lines[:first]),
        labels=tuple(_UNIT_IN_LABEL.sub("", label).strip() for label in labels),
        units=tuple((found[1] or found[2] or "") if found else "" for found in units),
        numeric=numeric,
    )


def parse_rows(lines: Sequence[str], table: Table, columns: Sequence[int]) -> tuple[Samples, int]:
    """Read columns of rows; what is empty or no number becomes NaN.

    Returns:
        Values of shape (lines, columns), and how many rows hold something that is neither empty nor a number.
    """
    if table.has_decimal_comma:
        lines = [line.replace(",", ".") for line in lines]
    if not lines:
        return np.empty((0, len(columns))), 0
    try:
        values: Samples = np.loadtxt(
            lines, delimiter=table.delimiter, usecols=list(columns), ndmin=2, comments=None, quotechar='"'
        )
        if len(values) == len(lines):
            return values, 0
    except ValueError:
        pass  # some row has an empty cell, a word or too few cells: read this piece cell by cell
    rows = [_row(line, table.delimiter, columns) for line in lines]
    return np.array([values for values, _ in rows]), sum(bad for _, bad in rows)


def _row(line: str, delimiter: str | None, columns: Sequence[int]) -> tuple[list[float], bool]:
    """Return the values of a row, and whether some cell is absent, or neither empty nor a number."""
    cells = _cells(line, delimiter)
    picked = [cells[column] if column < len(cells) else "?" for column in columns]
    is_number = [_NUMBER.fullmatch(cell) is not None and "," not in cell for cell in picked]
    values = [float(cell) if sound else np.nan for cell, sound in zip(picked, is_number, strict=True)]
    return values, any(cell and not sound for cell, sound in zip(picked, is_number, strict=True))


def _cells(line: str, delimiter: str | None) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _shape(lines: Sequence[str], delimiter: str | None) -> tuple[int, tuple[int, ...]]:
    """Return the usual number of cells, and which of them are numbers or empty almost everywhere."""
    rows = [_cells(line, delimiter) for line in lines]
    if not rows:
        return 0, ()
    width = Counter(map(len, rows)).most_common(1)[0][0]
    usual = [row for row in rows if len(row) == width]
    if len(usual) < _SHARE * len(rows) - 2:
        return width, ()
    return width, tuple(i for i in range(width) if _is_numeric([row[i] for row in usual], delimiter))


def _is_numeric(cells: Sequence[str], delimiter: str | None) -> bool:
    filled = [cell for cell in cells if cell]
    numbers = sum(_is_number(cell, delimiter) for cell in filled)
    # One cell of a short file may be its label.
    return numbers > 0 and numbers >= _SHARE * len(filled) - 1


def _is_number(cell: str, delimiter: str | None) -> bool:
    return _NUMBER.fullmatch(cell) is not None and not (delimiter == "," and "," in cell)


def _is_row(line: str, delimiter: str | None, width: int, numeric: Sequence[int]) -> bool:
    cells = _cells(line, delimiter)
    if len(cells) != width or line.startswith(COMMENT_MARKS):
        return False
    filled = [cells[i] for i in numeric if cells[i]]
    return bool(filled) and all(_is_number(cell, delimiter) for cell in filled)


def _labels(preamble: Sequence[str], delimiter: str | None, width: int) -> list[str]:
    """Return the last line before the first row if it has as many cells, or a `Labels:` line."""
    for line in reversed(preamble):
        text = line.lstrip("#%/ ")
        named = re.match(r"labels?\s*:?=?\s*(.*)", text, re.IGNORECASE)
        cells = re.split(r"[,;\t]", named[1]) if named else _cells(text, delimiter)
        if len(cells) == width and (named or width > 1 or line == preamble[-1]):
            return [cell.strip() for cell in cells]
    return [""] * width
