"""The wearer's marks "Start the night" and "Good morning": journal entries, stored on disk until the broker has them.

A mark must not be lost while the broker is away, so it is written to a file first and removed from there when the
broker has confirmed it. Its id contains its text and time, so publishing it twice is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import JournalEntry
from crampwatch.web.http import files
from crampwatch.web.night.model.naming import night_name
from starlette.concurrency import run_in_threadpool

__all__ = ["NightMarks", "Step", "make_mark", "marked_span"]

Step = Literal["begin", "end"]
_SENDER: Final = "_web"
"""A mark belongs to the wearer, not to a sensor, so the page's server is its sender."""
_TEXTS: Final[dict[Step, str]] = {"begin": "night_begin", "end": "night_end"}
_RETRY_S: Final = 1.0
"""Wait between attempts to publish."""
_MAX_PENDING: Final = 200
"""A hundred nights without a broker; beyond that the oldest marks are dropped."""


def make_mark(step: Step, *, t_ns: int, origin: Origin) -> JournalEntry:
    """Return the journal entry of a mark; the same mark always has the same id."""
    return JournalEntry(
        sensor=_SENDER, t_ns=t_ns, origin=origin, id=f"{_TEXTS[step]}-{t_ns}", entry="marker", text=_TEXTS[step]
    )


def marked_span(entries: Iterable[JournalEntry], night: str, utc_offset_s: int) -> tuple[int, int | None] | None:
    """Return start and end of a night as the wearer marked them, UTC nanoseconds; None if its start was not marked.

    Getting up and going back to bed is one night, from the first start to the last end. The end is None while the
    newest mark is a start.
    """
    marks = [
        entry
        for entry in entries
        if entry.entry == "marker" and night_name(entry.t_ns, utc_offset_s, entry.origin) == night
    ]
    starts = [entry.t_ns for entry in marks if entry.text == _TEXTS["begin"]]
    ends = [entry.t_ns for entry in marks if entry.text == _TEXTS["end"]]
    if not starts:
        return None
    return min(starts), max(ends) if ends and max(ends) > max(starts) else None


class NightMarks:
    """Stores marks until they are published.

    Args:
        path: File for pending marks; None to hold them in memory only.
        publish: Publishes entries; returns when the broker has confirmed them.
    """

    def __init__(self, path: Path | None, publish: Callable[[Sequence[JournalEntry]], Awaitable[None]]) -> None:
        self._path = path
        self._publish = publish
        self._pending = files.load(path, tuple[JournalEntry, ...], ()) if path else ()
        self._has_pending = asyncio.Event()
        self._saving = asyncio.Lock()

    @property
    def pending(self) -> tuple[JournalEntry, ...]:
        """Marks that the broker has not confirmed, oldest first."""
        return self._pending

    async def add(self, mark: JournalEntry) -> None:
        """Add a mark; it is on disk when this returns.

        Raises:
            UnavailableError: The file cannot be written.
        """
        await self._save_pending((*self._pending, mark)[-_MAX_PENDING:])
        self._has_pending.set()

    async def run(self) -> None:
        """Publish pending marks as soon as the broker is connected, until cancelled."""
        while True:
            if not self._pending:
                await self._has_pending.wait()
            self._has_pending.clear()
            sent = self._pending
            try:
                await self._publish(sent)
            except CrampwatchError:
                await asyncio.sleep(_RETRY_S)
                continue
            await self._save_pending(tuple(mark for mark in self._pending if mark not in sent))

    async def _save_pending(self, pending: tuple[JournalEntry, ...]) -> None:
        self._pending = pending
        async with self._saving:
            if self._path is not None:
                await run_in_threadpool(files.save, self._path, self._pending)
