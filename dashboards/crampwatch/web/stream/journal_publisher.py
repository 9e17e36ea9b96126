"""Publishes the wearer's notes to the broker."""

from collections.abc import Sequence

from crampwatch.bus.client import Bus, publish_message
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import JournalEntry
from crampwatch.protocol.topics import Leaf

__all__ = ["JournalPublisher"]


class JournalPublisher:
    """Publishes journal entries through the current connection.

    Attributes:
        bus: The current connection; None while there is none.
    """

    def __init__(self) -> None:
        self.bus: Bus | None = None

    async def publish(self, entries: Sequence[JournalEntry]) -> None:
        """Publish entries; returns when the broker has confirmed all of them.

        Raises:
            UnavailableError: There is no connection.
        """
        if self.bus is None or not self.bus.is_connected:
            raise UnavailableError("The broker is not connected.", advice="Try again when it is.")
        for entry in entries:
            await publish_message(self.bus, entry, Leaf.JOURNAL)
