"""The interface that every storage engine implements (pure)."""

from collections.abc import Iterable
from typing import Final, Protocol

from crampwatch.protocol.messages import Episode, JournalEntry, Message, Notice, SensorInfo
from crampwatch.store.model.night_summary import Night
from crampwatch.store.model.raw_excerpt import RawChunk
from crampwatch.store.model.series import Series

__all__ = ["FOREVER_NS", "RejectedError", "Store"]

FOREVER_NS: Final = (1 << 63) - 1
"""End of time for all engines: year 2262."""


class RejectedError(ValueError):
    """The engine will never take these messages, however often they are written."""


class Store(Protocol):
    """Keeps messages and finds them again. Calls block, may come from any thread, and are done one after another.

    All raise UnavailableError while the engine cannot be reached or written.
    """

    def write(self, messages: Iterable[Message]) -> None:
        """Keep messages: on the disk, or accepted by the database, when this returns.

        Writing the same again changes nothing. Of an episode the highest revision holds, and a final one before any
        live one; of a notice, a journal entry and a sensor's session the newest.

        Raises:
            RejectedError: The engine will not take them; none or some were written.
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
        """Return the revision that holds of each episode that lasted at any time within a span, by onset."""

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return ``features``, ``temperature``, ``battery`` or ``link`` of a sensor within ``since <= t < until``.

        It comes of the coarsest tier that has a value for each point (docs/store.md), so that a year opens fast.
        """

    def nights(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Night]:
        """Return the nights whose recording began within a span, by begin; the one under way among them."""

    def raw(self, sensor: str, *, since_ns: int, until_ns: int) -> list[RawChunk]:
        """Return the raw EMG that was kept of a span, by time: seconds around episodes, what is missing as NaN."""

    def notices(self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None) -> list[Notice]:
        """Return notices within a span, by time."""

    def journal(
        self, *, since_ns: int = 0, until_ns: int = FOREVER_NS, sensor: str | None = None
    ) -> list[JournalEntry]:
        """Return what the wearer noted within a span, by time."""

    def sessions(self, *, sensor: str | None = None) -> list[SensorInfo]:
        """Return what is known of each sensor in each session, by begin."""

    def sensors(self) -> list[SensorInfo]:
        """Return each sensor as it introduced itself last, by id."""

    def close(self) -> None:
        """Let go of files and connections."""
