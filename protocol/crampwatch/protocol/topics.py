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
    """Last level of a topic: what it carries, with what quality of service and retention."""

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
        """1 for all leaves: the broker stores messages for a consumer that is away."""
        return 1

    @property
    def retained(self) -> bool:
        """Whether the broker sends the last message to a new subscriber."""
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
        """Parse a topic.

        Raises:
            FrameError: It is not one of our topics.
        """
        match = re.fullmatch(rf"{ROOT}/({SENSOR_PATTERN})/([a-z]+)", text)
        if match is None or match[2] not in set(Leaf):
            raise FrameError(f"Topic {text[:120]!r} is not {ROOT}/<sensor>/<leaf> with a known leaf.")
        return cls(match[1], Leaf(match[2]))


def leaf_filter(leaf: Leaf) -> str:
    """Return the topic filter that matches a leaf of every sensor and service."""
    return f"{ROOT}/+/{leaf}"


def sensor_id(name: str) -> str:
    """Turn a sensor's name or serial number into an id that fits into a topic.

    >>> sensor_id("CW 12:AB")
    'CW-12-AB'
    """
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:32]
    if not cleaned:
        raise FrameError(f"{name[:60]!r} has no letter or digit that could form a sensor id.")
    return cleaned


def service_topic(service: str) -> Topic:
    """Return the status topic of a service: its name with an underscore, with which no sensor id starts."""
    return Topic(f"_{service}", Leaf.STATUS)
