"""MQTT topics: ``crampwatch/v1/<sensor>/<leaf>``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crampwatch.protocol.errors import FrameError

__all__ = ["ROOT", "SENSOR_PATTERN", "Leaf", "Topic", "leaf_filter", "sensor_id", "service_topic"]

ROOT: Final = "crampwatch/v1"
SENSOR_PATTERN: Final = r"[A-Za-z0-9_-]{1,32}"


class Leaf(StrEnum):
    """What a topic carries, with its quality of service and retention."""

    STATUS = "status"
    INFO = "info"
    SAMPLES = "samples"
    TEMPERATURE = "temperature"
    BATTERY = "battery"
    LINK = "link"
    FEATURES = "features"
    STATE = "state"
    EPISODE = "episode"
    NOTICE = "notice"
    JOURNAL = "journal"

    @property
    def qos(self) -> int:
        """1 for all: what a consumer misses while it is away, the broker keeps for it."""
        return 1

    @property
    def retained(self) -> bool:
        """Whether a late subscriber is told the last value."""
        return self in (Leaf.STATUS, Leaf.INFO, Leaf.STATE)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of one sensor."""

    sensor: str
    leaf: Leaf

    def __str__(self) -> str:
        return f"{ROOT}/{self.sensor}/{self.leaf}"

    @classmethod
    def parse(cls, text: str) -> "Topic":
        """Read a topic.

        Raises:
            FrameError: It is not one of ours.
        """
        match = re.fullmatch(rf"{ROOT}/({SENSOR_PATTERN})/([a-z]+)", text)
        if match is None or match[2] not in set(Leaf):
            raise FrameError(f"Topic {text[:120]!r} is not {ROOT}/<sensor>/<leaf> with a known leaf.")
        return cls(match[1], Leaf(match[2]))


def leaf_filter(leaf: Leaf) -> str:
    """Return the filter that matches a leaf of every sensor."""
    return f"{ROOT}/+/{leaf}"


def sensor_id(name: str) -> str:
    """Make a sensor's name or serial number fit for a topic level.

    >>> sensor_id("CW 12:AB")
    'CW-12-AB'
    """
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:32]
    if not cleaned:
        raise FrameError(f"{name[:60]!r} has no letter or digit to name a sensor by.")
    return cleaned


def service_topic(service: str) -> Topic:
    """Return the status topic of a service: it takes a sensor's place, and no sensor's id begins with an underscore."""
    return Topic(f"_{service}", Leaf.STATUS)
