"""The state of a sensor that is published to Home Assistant, made from the messages of the stages. Pure."""

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

__all__ = ["SensorEntities", "night_start_ns"]

_DAY_NS: Final = 86_400_000_000_000
_NOON_NS: Final = _DAY_NS // 2
_LOW_PERCENT: Final = 15
"""Battery level below which a problem is reported; the collector publishes its notice at the same level."""
_PROBLEMS: Final = {
    "poor_signal": "The signal is poor: check the electrodes.",
    "off_body": "An electrode has no contact.",
    "no_data": "No data is arriving from the sensor.",
}


def night_start_ns(utc_ns: int, utc_offset_s: int) -> int:
    """Return the start of the night that a moment belongs to: noon, local time, of the day on which its evening is.

    >>> night_start_ns(1_700_000_000_000_000_000, 3600) == 1_699_959_600_000_000_000
    True
    """
    offset_ns = utc_offset_s * 1_000_000_000
    local_ns = utc_ns + offset_ns
    return (local_ns - _NOON_NS) // _DAY_NS * _DAY_NS + _NOON_NS - offset_ns


@dataclass(slots=True)
class SensorEntities:
    """The present state of a sensor's entities.

    Attributes:
        info: Description of the sensor; None until it is received.
        cramps: Onset, UTC nanoseconds, of each likely cramp of the present night, by episode id.
    """

    info: SensorInfo | None = None
    cramps: dict[str, int] = field(default_factory=dict)
    _final_ids: set[str] = field(default_factory=set)
    _is_online: bool = False
    _state: str = "no_data"
    _celsius: float | None = None
    _percent: int | None = None

    def update(self, message: Message) -> None:
        """Update the state with a message about the sensor."""
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
                self._update_cramps(message)
            case _:
                pass

    def restore(self, cramps: Iterable[tuple[str, int]]) -> None:
        """Restore the likely cramps of the present night from an earlier process."""
        self.cramps.update(cramps)

    def encode(self, *, now_ns: int) -> bytes:
        """Return the state message; the same bytes as long as nothing has changed."""
        problem = self._problem_text()
        fields: dict[str, Any] = {
            "sensor": "online" if self._is_online else "offline",
            "contraction": "ON" if self._state == "cramp" else "OFF",
            "state": self._state,
            "temperature": None if self._celsius is None else round(self._celsius, 1),
            "battery": self._percent,
            "episodes_tonight": self._cramps_tonight(now_ns),
            "problem": "ON" if problem else "OFF",
            "problem_why": problem,
            "origin": None if self.info is None else Origin(self.info.origin).value,
        }
        return msgspec.json.encode(fields)

    def _update_cramps(self, episode: Episode) -> None:
        if episode.id in self._final_ids and episode.status not in ("final", "retracted"):
            return  # a live revision that arrives after the final result
        if episode.status in ("final", "retracted"):
            self._final_ids.add(episode.id)
        if episode.kind is EpisodeKind.CRAMP and episode.status != "retracted":
            self.cramps[episode.id] = episode.onset_ns
        else:
            self.cramps.pop(episode.id, None)

    def _cramps_tonight(self, now_ns: int) -> int:
        """Return the number of likely cramps since the start of the night; earlier ones are forgotten."""
        start_ns = night_start_ns(now_ns, self.info.utc_offset_s if self.info else 0)
        for old in [one for one, onset_ns in self.cramps.items() if onset_ns < start_ns]:
            del self.cramps[old]
        return len(self.cramps)

    def _problem_text(self) -> str:
        """Return what is wrong in one sentence, the most serious problem first; empty if nothing is."""
        if not self._is_online:
            return _PROBLEMS["no_data"]
        if self._percent is not None and self._percent < _LOW_PERCENT:
            return f"The battery is at {self._percent} %."
        return _PROBLEMS.get(self._state, "")
