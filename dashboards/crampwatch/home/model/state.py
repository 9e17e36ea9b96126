"""What Home Assistant is told of a sensor: its present picture, made of what the stages say. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import (
    Battery,
    Episode,
    Message,
    SensorInfo,
    SensorState,
    ServiceStatus,
    Temperature,
)

__all__ = ["Picture", "night_began_ns"]

_NIGHT_NS: Final = 86_400_000_000_000
_NOON_NS: Final = _NIGHT_NS // 2
_LOW_PERCENT: Final = 15
_WRONG: Final = {
    "poor_signal": "The signal is poor: check the electrodes.",
    "off_body": "An electrode has no contact.",
    "no_data": "Nothing is heard of the sensor.",
}


def night_began_ns(utc_ns: int, utc_offset_s: int) -> int:
    """Return when the night of a moment began: at noon by local time, so that it belongs to its evening.

    >>> night_began_ns(1_700_000_000_000_000_000, 3600) == 1_699_959_600_000_000_000
    True
    """
    offset_ns = utc_offset_s * 1_000_000_000
    local_ns = utc_ns + offset_ns
    return (local_ns - _NOON_NS) // _NIGHT_NS * _NIGHT_NS + _NOON_NS - offset_ns


@dataclass(slots=True)
class Picture:
    """A sensor as it is now.

    Attributes:
        info: Who it is; None while it has not introduced itself.
        cramps: Begin, UTC nanoseconds, of likely cramps by episode id: those of earlier nights go when told of a new.
    """

    info: SensorInfo | None = None
    cramps: dict[str, int] = field(default_factory=dict)
    _finals: set[str] = field(default_factory=set)
    _is_online: bool = False
    _state: str = "no_data"
    _celsius: float | None = None
    _percent: int | None = None

    def take(self, message: Message) -> None:
        """Take what was said of the sensor."""
        match message:
            case SensorInfo():
                self.info = message
            case ServiceStatus():
                self._is_online = message.online
            case SensorState():
                self._state = message.state
            case Temperature():
                self._celsius = message.celsius
            case Battery():
                self._percent = message.percent
            case Episode():
                self._take_episode(message)
            case _:
                pass

    def restore(self, cramps: Iterable[tuple[str, int]]) -> None:
        """Take up what an earlier process knew of the night."""
        self.cramps.update(cramps)

    def document(self, *, now_ns: int) -> bytes:
        """Return the picture as Home Assistant reads it; the same bytes as long as nothing changed."""
        why = self._why_wrong()
        fields: dict[str, Any] = {
            "sensor": "online" if self._is_online else "offline",
            "contraction": "ON" if self._state == "cramp" else "OFF",
            "state": self._state,
            "temperature": None if self._celsius is None else round(self._celsius, 1),
            "battery": self._percent,
            "episodes_tonight": self._cramps_since(now_ns),
            "problem": "ON" if why else "OFF",
            "problem_why": why,
            "origin": None if self.info is None else Origin(self.info.origin).value,
        }
        return msgspec.json.encode(fields)

    def _take_episode(self, episode: Episode) -> None:
        if episode.id in self._finals and episode.status not in ("final", "retracted"):
            return  # a live word that arrives after the verdict
        if episode.status in ("final", "retracted"):
            self._finals.add(episode.id)
        if episode.kind is EpisodeKind.CRAMP and episode.status != "retracted":
            self.cramps[episode.id] = episode.onset_ns
        else:
            self.cramps.pop(episode.id, None)

    def _cramps_since(self, now_ns: int) -> int:
        began_ns = night_began_ns(now_ns, self.info.utc_offset_s if self.info else 0)
        for old in [one for one, onset_ns in self.cramps.items() if onset_ns < began_ns]:
            del self.cramps[old]
        return len(self.cramps)

    def _why_wrong(self) -> str:
        if not self._is_online:
            return _WRONG["no_data"]
        if self._percent is not None and self._percent < _LOW_PERCENT:
            return f"The battery is at {self._percent} %."
        return _WRONG.get(self._state, "")
