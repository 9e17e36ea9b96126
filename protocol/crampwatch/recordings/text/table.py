"""Detecting how a table of numbers is laid out in a text file.

Programs write tables with any delimiter, decimal comma or point, with header lines, comments and units, or without. The
layout follows from the last of the file's first lines, where a header is least likely:

1. each delimiter is tried; the one that gives the most columns of numbers wins, and of equals the one that leaves the
   fewest other columns;
2. the first line whose numeric columns all hold numbers is the first row, and everything before it is the preamble;
3. the preamble's last line gives the labels if it has as many cells as a row, or a line that begins with "Labels:";
4. a unit in brackets or at the end of a label (`EMG_uV`) is the unit of the column.
"""

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
"""None stands for any run of blanks. Of equally good ones the first wins."""
_LINES_EXAMINED = 200
"""Enough to outvote any header."""
_MIN_AGREEMENT = 0.9
"""Share of the examined lines that must agree; the rest may be truncated or contain text."""
_UNIT_IN_LABEL = re.compile(
    r"\s*(?:[\[(]([^\])]*)[\])]|[_ ]((?:[mun\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}]?V)|degC))$"
)


@dataclass(frozen=True, slots=True)
class Table:
    """The layout of a table.

    Attributes:
        delimiter: Separates cells; None for any run of blanks.
        has_decimal_comma: Whether numbers are written like 0,5.
        header_lines: How many lines come before the first row.
        preamble: Those lines; they may state the sampling rate, units and more.
        labels: One per column; empty if the file has none.
        units: One per column, from the labels; empty if not stated.
        numeric: Indices of the columns that hold numbers.
    """

    delimiter: str | None
    has_decimal_comma: bool
    header_lines: int
    preamble: str
    labels: tuple[str, ...]
    units: tuple[str, ...]
    numeric: tuple[int, ...]


def find_table(lines: Sequence[str]) -> Table | None:
    """Detect the layout of the table in the first lines of a file; None if there is no table."""
    examined = [line for line in lines if line.strip(" ") and not line.startswith(COMMENT_MARKS)][-_LINES_EXAMINED:]
    candidates = [(delimiter, *_find_numeric_columns(examined, delimiter)) for delimiter in _DELIMITERS]
    # The most columns of numbers, then the fewest columns in all.
    delimiter, width, numeric = max(candidates, key=lambda candidate: (len(candidate[2]), -candidate[1]))
    if not numeric:
        return None
    first = next((i for i, line in enumerate(lines) if _is_row(line, delimiter, width, numeric)), None)
    if first is None:
        return None
    labels = _find_labels(lines[:first], delimiter, width)
    units = [_UNIT_IN_LABEL.search(label) for label in labels]
    cells = (_split_cells(line, delimiter)[i : i + 1] for line in examined for i in numeric)
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
    """Parse columns of rows; cells that are empty or not a number become NaN.

    Returns:
        Values of candidate (lines, columns), and how many rows have a cell that is neither empty nor a number.
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
        pass  # some row has an empty cell, a word or too few cells: parse this piece cell by cell, twenty times slower
    rows = [_parse_row(line, table.delimiter, columns) for line in lines]
    return np.array([values for values, _ in rows]), sum(bad for _, bad in rows)


def _parse_row(line: str, delimiter: str | None, columns: Sequence[int]) -> tuple[list[float], bool]:
    """Return the values of a row, and whether a cell is missing, or is neither empty nor a number."""
    cells = _split_cells(line, delimiter)
    picked = [cells[column] if column < len(cells) else "?" for column in columns]
    is_number = [_NUMBER.fullmatch(cell) is not None and "," not in cell for cell in picked]
    values = [float(cell) if is_ok else np.nan for cell, is_ok in zip(picked, is_number, strict=True)]
    return values, any(cell and not is_ok for cell, is_ok in zip(picked, is_number, strict=True))


def _split_cells(line: str, delimiter: str | None) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def _find_numeric_columns(lines: Sequence[str], delimiter: str | None) -> tuple[int, tuple[int, ...]]:
    """Return the most common number of cells, and which of them are numbers or empty in almost every row."""
    rows = [_split_cells(line, delimiter) for line in lines]
    if not rows:
        return 0, ()
    width = Counter(map(len, rows)).most_common(1)[0][0]
    regular = [row for row in rows if len(row) == width]
    if len(regular) < _MIN_AGREEMENT * len(rows) - 2:
        return width, ()
    return width, tuple(i for i in range(width) if _is_numeric([row[i] for row in regular], delimiter))


def _is_numeric(cells: Sequence[str], delimiter: str | None) -> bool:
    filled = [cell for cell in cells if cell]
    numbers = sum(_is_number(cell, delimiter) for cell in filled)
    # One cell of a short file may be its label.
    return numbers > 0 and numbers >= _MIN_AGREEMENT * len(filled) - 1


def _is_number(cell: str, delimiter: str | None) -> bool:
    return _NUMBER.fullmatch(cell) is not None and not (delimiter == "," and "," in cell)


def _is_row(line: str, delimiter: str | None, width: int, numeric: Sequence[int]) -> bool:
    cells = _split_cells(line, delimiter)
    if len(cells) != width or line.startswith(COMMENT_MARKS):
        return False
    filled = [cells[i] for i in numeric if cells[i]]
    return bool(filled) and all(_is_number(cell, delimiter) for cell in filled)


def _find_labels(preamble: Sequence[str], delimiter: str | None, width: int) -> list[str]:
    """Return the labels from the last line that has as many cells as a row, or from a `Labels:` line."""
    for line in reversed(preamble):
        text = line.lstrip("#%/ ")
        named = re.match(r"labels?\s*:?=?\s*(.*)", text, re.IGNORECASE)
        cells = re.split(r"[,;\t]", named[1]) if named else _split_cells(text, delimiter)
        if len(cells) == width and (named or width > 1 or line == preamble[-1]):
            return [cell.strip() for cell in cells]
    return [""] * width
