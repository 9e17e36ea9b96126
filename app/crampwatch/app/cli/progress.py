"""Progress of long work, as a bar on standard error if that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "progress_bar"]

Progress = Callable[[int, int | None], None]
"""Called with the amount done and the total; None where the total is not known."""


@contextmanager
def progress_bar(text: str) -> Iterator[Progress]:
    """Show a bar within a context, which gets the function that moves it."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    # For start-up time: rich takes 0.1 s to import, which a command in a pipe does not need.
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
