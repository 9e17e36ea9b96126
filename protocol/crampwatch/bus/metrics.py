"""Counters of a service's MQTT traffic, for Prometheus; the program that runs the service serves them.

One process runs one service, so the counters are global to the process. Their names are part of the interface.
"""

import logging
from collections import Counter as Tally
from typing import Final

from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.topics import Leaf
from prometheus_client import Counter, Gauge

__all__ = [
    "BACKLOG",
    "CONNECTED",
    "DROPPED",
    "PUBLISHED",
    "RECEIVED",
    "STORED",
    "UNREADABLE",
    "leaf_label",
    "report_unreadable",
]

CONNECTED: Final = Gauge("crampwatch_broker_connected", "Whether the MQTT broker is there and lets us in.")
RECEIVED: Final = Counter("crampwatch_messages_received", "Messages received from the broker.", ["leaf"])
PUBLISHED: Final = Counter("crampwatch_messages_published", "Messages the broker took from us.", ["leaf"])
DROPPED: Final = Counter("crampwatch_messages_dropped", "QoS 0 messages dropped: no connection, or too fast for us.")
UNREADABLE: Final = Counter("crampwatch_messages_unreadable", "Messages ignored since they cannot be read.", ["leaf"])
BACKLOG: Final = Gauge("crampwatch_backlog_messages", "Messages that wait on the disk to be passed on.")
STORED: Final = Gauge("crampwatch_broker_stored_bytes", "What the embedded broker keeps for stages that are away.")
_LEAVES: Final = frozenset(map(str, Leaf))
_log: Final = logging.getLogger(__name__)
_unreadable: Final[Tally[str]] = Tally()


def leaf_label(topic: str) -> str:
    """Return the label of a topic: its leaf if that is one of ours, so that invented topics make no time series."""
    leaf = topic.rpartition("/")[2]
    return leaf if leaf in _LEAVES else "other"


def report_unreadable(topic: str, error: FrameError) -> None:
    """Count a message that cannot be read, and log the 1st, 2nd, 4th, 8th, ... of its leaf.

    A broken or hostile sender has to be visible in the log without filling it.
    """
    leaf = leaf_label(topic)
    UNREADABLE.labels(leaf).inc()
    _unreadable[leaf] += 1
    if _unreadable[leaf].bit_count() == 1:
        _log.warning(
            "ignored an unreadable message on %.120s (%d of %s so far): %s", topic, _unreadable[leaf], leaf, error
        )
