"""The interface that every storage engine implements (pure).

An engine stores *messages* (features, temperatures, episodes, notices, ...) and answers queries about them. It is a
projection of the session files, which hold every sample: whatever is lost here can be computed again. Two rules make
that safe, and every engine follows them:

* **Idempotent writes.** The key of a stored item follows from its message alone, so that writing the same message twice
  changes nothing. A broker delivers at least once, and a killed process repeats its last batch.
* **Highest rank wins.** An episode has many revisions, and they may arrive in any order. Each has a rank, and only a
  revision that outranks the stored one replaces it.

One suite, ``tests/contract/store/test_store_conformance.py``, runs against every engine.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from crampwatch.protocol.messages import Episode, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.model.night_summary import Night
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import Series

__all__ = ["FOREVER_NS", "RejectedError", "Store"]

FOREVER_NS: Final = (1 << 63) - 1
"""End of time for all engines (year 2262): the largest time that fits the 64 bits both engines give it."""


class RejectedError(ValueError):
    """The engine will never accept these messages, however often they are written."""


class Store(Protocol):
    """Stores messages and finds them again.

    Calls block. They may come from any thread; an engine runs them one after another. All raise `UnavailableError`
    while the engine cannot be reached or written.
    """

    def write(self, messages: Iterable[Message]) -> None:
        """Store messages: on the disk, or accepted by the database, when this returns.

        Writing the same messages again changes nothing. Of an episode the highest revision is stored, and a final one
        before any live one; of a notice, a journal entry and a sensor's session the newest.

        Raises:
            RejectedError: The engine does not accept them; none or some were written.
        """

    def episodes(
        self,
        *,
        since_ns: int = 0,
        until_ns: int = FOREVER_NS,
        sensor: str | None = None,
        session: str | None = None,
        with_retracted: bool = False,
    ) -> list[Episode]:
        """Return the valid revision of each episode that overlaps a time span, ordered by onset."""

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return ``features``, ``temperature``, ``battery`` or ``link`` of a sensor within ``since <= t < until``.

        The values come from the coarsest tier that still has a value for each point (docs/store.md), so that a year
        opens as fast as a night.
        """

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording started within a time span, ordered by start; a running one is included."""

    def raw_emg(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG stored around episodes within a time span, ordered by time; missing samples are NaN."""

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a time span, ordered by time."""

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return the wearer's notes within a time span, ordered by time."""

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return the newest description of each sensor in each session, ordered by start."""

    def sensors(self) -> list[SensorInfo]:
        """Return the newest description of each sensor, ordered by id."""

    def close(self) -> None:
        """Close files and connections."""
