"""Tables for people."""

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_table"]

_PIPE_COLUMNS = 160


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", right: Sequence[int] = ()
) -> None:
    """Print a table on standard output.

    Args:
        heads: Of the columns.
        rows: One text a column; shown as it is, never read as markup.
        caption: A line below.
        right: Columns, numbered from 0, that are aligned right.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        last = place == len(heads) - 1
        table.add_column(head, justify="right" if place in right else "left", overflow="fold", no_wrap=not last)
    for row in rows:
        table.add_row(*(Text(part) for part in row))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
    console.print(table)
    if caption:
        console.print(Text(caption))
