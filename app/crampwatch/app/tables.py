"""Tables for people."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_table"]


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
        table.add_column(head, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(part) for part in row))
    console = Console(soft_wrap=False)
    console.print(table)
    if caption:
        console.print(Text(caption))
