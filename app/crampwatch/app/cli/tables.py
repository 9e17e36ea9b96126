"""Tables for people."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_table"]

_PIPE_WIDTH: Final = 160
"""Columns of text where the output is not a terminal, whose width would be a guess."""


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", right: Sequence[int] = ()
) -> None:
    """Print a table on standard output.

    Args:
        heads: One per column.
        rows: One text per column; printed literally, never interpreted as markup.
        caption: Line below the table.
        right: Columns that are aligned right, numbered from 0.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        last = place == len(heads) - 1
        table.add_column(head, justify="right" if place in right else "left", overflow="fold", no_wrap=not last)
    for row in rows:
        table.add_row(*(Text(part) for part in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(table)
    if caption:
        console.print(Text(caption))
