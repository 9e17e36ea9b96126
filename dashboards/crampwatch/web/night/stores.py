"""What one or more stores have about nights: episodes, features, journal entries. Calls block.

There are several stores if simulated data has its own. A store that cannot be read must not hide a night whose
recording is there, so errors are logged or collected, and the other stores are still asked.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.messages import Episode, JournalEntry, SensorInfo
from crampwatch.store.model.series import Series

__all__ = ["NightStore", "NightStores"]

_log: Final = logging.getLogger(__name__)


class NightStore(Protocol):
    """The part of a store that nights need; :class:`crampwatch.store.model.interface.Store` has it. Calls block."""

    def episodes(
        self, *, since_ns: int = 0, until_ns: int = ..., session: str | None = None, with_retracted: bool = False
    ) -> Sequence[Episode]:
        """Return the valid revision of each episode."""

    def journal(self, *, since_ns: int = 0) -> Sequence[JournalEntry]:
        """Return the journal entries since a time."""

    def sessions(self) -> Sequence[SensorInfo]:
        """Return the info message of each sensor in each session."""

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        """Return values over time."""


class NightStores:
    """Reads from several stores as if they were one.

    Args:
        stores: The stores, in the order in which they are asked.
    """

    def __init__(self, stores: Sequence[NightStore]) -> None:
        self._stores = tuple(stores)

    def sensor_infos(self) -> Iterator[SensorInfo]:
        """Yield the info message of each sensor in each session."""
        for store in self._stores:
            try:
                infos = store.sessions()
            except CrampwatchError:
                continue  # not logged: a new data folder has no store yet, and every list of nights asks
            yield from infos

    def session_episodes(self, session: str, problems: list[str] | None = None) -> list[Episode]:
        """Return a session's episodes including retracted ones, from the first store that has any.

        Args:
            session: The session's UUID.
            problems: Receives why a store could not be read.
        """
        for store in self._stores:
            try:
                episodes = store.episodes(session=session, with_retracted=True)
            except CrampwatchError as error:
                if problems is not None:
                    problems.append(str(error))
                continue
            if episodes:
                return list(episodes)
        return []

    def episodes_by_session(self, since_ns: int) -> dict[str, list[Episode]]:
        """Return all episodes since a time by session, without retracted ones."""
        grouped: dict[str, list[Episode]] = {}
        for store in self._stores:
            try:
                for episode in store.episodes(since_ns=since_ns):
                    grouped.setdefault(episode.session, []).append(episode)
            except CrampwatchError as error:
                _log.info("cannot count episodes: %s", error)
        return grouped

    def journal(self, since_ns: int) -> list[JournalEntry]:
        """Return the journal entries since a time."""
        entries: list[JournalEntry] = []
        for store in self._stores:
            try:
                entries += store.journal(since_ns=since_ns)
            except CrampwatchError as error:
                _log.info("cannot read journal entries: %s", error)
        return entries

    def features(self, sensor: str, *, from_ns: int, to_ns: int, max_points: int) -> Series | None:
        """Return the detector's features over a span of time; None if no store has any."""
        for store in self._stores:
            try:
                series = store.series(sensor, "features", since_ns=from_ns, until_ns=to_ns, max_points=max_points)
            except CrampwatchError as error:
                _log.info("cannot read features: %s", error)
                continue
            if len(series):
                return series
        return None
