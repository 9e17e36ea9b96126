"""Options of the collector service."""

from dataclasses import dataclass, field
from pathlib import Path

from crampwatch.bus.address import BrokerAddress
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.messages import Placement

__all__ = ["CollectorOptions"]


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """Which sensors to record, over which radio, and where to.

    Attributes:
        broker: Where sample blocks and messages are published.
        data_dir: Session files are in its folder ``sessions``, the keys of paired sensors in ``bonds.json``.
        adapter: None for the system's default; see :mod:`crampwatch.collector.ble.adapter`.
        sensors: Names, ids or addresses of the sensors to record; if empty, every CWS sensor in reach.
        placements: Where sensors are worn, by id or name.
        speed: How many times faster than real time the (simulated) sensors run.
        start_utc_ns: UTC that the session starts with, for a replay with the original times; None for now.
        resume_within_s: A session that was cut short is resumed if its last record is at most this old.
        ends_with_streams: End when all streams of all sensors have ended, as replays do.
        software: Name and version, recorded in the session file.
        client_id: MQTT client id; brokers disconnect a client when another one uses the same id.
    """

    broker: BrokerAddress
    data_dir: Path
    adapter: str | None = None
    sensors: tuple[str, ...] = ()
    placements: dict[str, Placement] = field(default_factory=dict)
    speed: float = 1.0
    start_utc_ns: int | None = None
    resume_within_s: float = 900.0
    ends_with_streams: bool = False
    software: str = "crampwatch"
    client_id: str = "crampwatch-collector"

    @property
    def sessions_dir(self) -> Path:
        """Folder of the session files."""
        return self.data_dir / "sessions"

    @property
    def bonds(self) -> Path:
        """File with the keys of paired sensors."""
        return self.data_dir / "bonds.json"

    def validate(self) -> None:
        """Check that the options can work.

        Raises:
            ConfigurationError: The speed is out of range.
        """
        if not 0.01 <= self.speed <= 1000:
            raise ConfigurationError(
                f"The speed {self.speed:g} is out of range.", advice="Choose a speed from 0.01 to 1000."
            )

    def includes(self, *names: str) -> bool:
        """Return whether a sensor with one of these names or addresses is to be recorded."""
        return not self.sensors or not {one.casefold() for one in self.sensors}.isdisjoint(n.casefold() for n in names)

    def placement(self, *names: str) -> Placement:
        """Return where a sensor with one of these names is worn; unknown if it is not configured."""
        return next((self.placements[name] for name in names if name in self.placements), Placement())
