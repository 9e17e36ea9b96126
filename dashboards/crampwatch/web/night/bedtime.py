"""When the wearer says that the night begins and ends: journal entries of no sensor, kept until the broker has them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import JournalEntry
from crampwatch.web.http import files as kept
from crampwatch.web.night.model.naming import night_name
from starlette.concurrency import run_in_threadpool

__all__ = ["NightMarks", "Step", "make_mark", "marked_span"]

Step = Literal["begin", "end"]
_SPEAKER: Final = "_web"
"""A night is the wearer's, not a sensor's."""
_WORDS: Final[dict[Step, str]] = {"begin": "night_begin", "end": "night_end"}
_RETRY_S: Final = 1.0
_MOST_UNTOLD: Final = 200
"""A hundred nights without a broker."""


def make_mark(step: Step, *, t_ns: int, origin: Origin) -> JournalEntry:
    """Return what the journal is told; its id is made of what it says, so that saying it twice is harmless."""
    return JournalEntry(
        sensor=_SPEAKER, t_ns=t_ns, origin=origin, id=f"{_WORDS[step]}-{t_ns}", entry="marker", text=_WORDS[step]
    )


def marked_span(entries: Iterable[JournalEntry], night: str, utc_offset_s: int) -> tuple[int, int | None] | None:
    """Return when a night began and ended as the wearer said, UTC nanoseconds; None where nothing was said.

    Who gets up and lies down again has one night, from the first begin to the last end. The end is None until it is
    said.
    """
    marks = [
        entry
        for entry in entries
        if entry.entry == "marker" and night_name(entry.t_ns, utc_offset_s, entry.origin) == night
    ]
    begins = [entry.t_ns for entry in marks if entry.text == _WORDS["begin"]]
    ends = [entry.t_ns for entry in marks if entry.text == _WORDS["end"]]
    if not begins:
        return None
    return min(begins), max(ends) if ends and max(ends) > max(begins) else None


class NightMarks:
    """Keeps marks in the data folder until they are told.

    Args:
        path: Where they wait; None: in memory alone.
        publish: Returns when the broker has them for good.
    """

    def __init__(self, path: Path | None, publish: Callable[[Sequence[JournalEntry]], Awaitable[None]]) -> None:
        self._path = path
        self._publish = publish
        self._pending = kept.load(path, tuple[JournalEntry, ...], ()) if path else ()
        self._waiting = asyncio.Event()
        self._saving = asyncio.Lock()

    @property
    def pending(self) -> tuple[JournalEntry, ...]:
        """What the broker does not have yet."""
        return self._pending

    async def add(self, mark: JournalEntry) -> None:
        """Take a mark; it is on the disk when this returns.

        Raises:
            UnavailableError: It cannot be written.
        """
        await self._keep((*self._pending, mark)[-_MOST_UNTOLD:])
        self._waiting.set()

    async def run(self) -> None:
        """Tell what waits as soon as the broker is there, until cancelled."""
        while True:
            if not self._pending:
                await self._waiting.wait()
            self._waiting.clear()
            told = self._pending
            try:
                await self._publish(told)
            except CrampwatchError:
                await asyncio.sleep(_RETRY_S)
                continue
            await self._keep(tuple(mark for mark in self._pending if mark not in told))

    async def _keep(self, pending: tuple[JournalEntry, ...]) -> None:
        self._pending = pending
        async with self._saving:
            if self._path is not None:
                await run_in_threadpool(kept.save, self._path, self._pending)
