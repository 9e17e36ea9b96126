"""Progress bars for long work: on standard error, and only where somebody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "progress_bar"]

Progress = Callable[[int, int | None], None]
"""Told how much is done, and of how much; None where nobody knows."""


@contextmanager
def progress_bar(text: str) -> Iterator[Progress]:
    """Show a bar for as long as the context lasts; give a function that moves it."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
