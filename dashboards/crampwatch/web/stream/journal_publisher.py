"""What the page's server has to say on the bus: the wearer's notes."""

from collections.abc import Sequence

from crampwatch.bus.client import Bus, publish_message
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import JournalEntry
from crampwatch.protocol.topics import Leaf

__all__ = ["JournalPublisher"]


class JournalPublisher:
    """Publishes through whichever connection there is.

    Attributes:
        bus: The present connection; None while there is none.
    """

    def __init__(self) -> None:
        self.bus: Bus | None = None

    async def note(self, entries: Sequence[JournalEntry]) -> None:
        """Publish entries, and return when the broker has them for good.

        Raises:
            UnavailableError: There is no connection.
        """
        if self.bus is None or not self.bus.connected:
            raise UnavailableError("The broker is not there.", advice="Try again when it is.")
        for entry in entries:
            await publish_message(self.bus, entry, Leaf.JOURNAL)
