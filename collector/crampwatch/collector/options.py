"""What the collector service is asked to do."""

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
        broker: Where blocks and messages go.
        data_dir: Sessions are kept in its folder ``sessions``, bonds in ``bonds.json``.
        adapter: None for the system's default; see :mod:`crampwatch.collector.ble.adapter`.
        sensors: Names, ids or addresses of the sensors wanted; none given: every CWS sensor heard.
        placements: Where sensors are worn, by id or name.
        speed: How many times faster than real time the sensors live.
        start_utc_ns: What UTC shall be at the begin, for a replay with the old times; None for now.
        resume_within_s: A session that was cut short goes on if its last record is at most this old.
        ends_with_streams: End when every sensor has told that its streams ended, as replays do.
        software: Name and version, for the session file.
        client_id: At the broker; one that no other collector there uses, or they hang up on each other.
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
        """Where session files are kept."""
        return self.data_dir / "sessions"

    @property
    def bonds(self) -> Path:
        """Where the keys of paired sensors are kept."""
        return self.data_dir / "bonds.json"

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: An impossible speed.
        """
        if not 0.01 <= self.speed <= 1000:
            raise ConfigurationError(f"A speed of {self.speed:g} was asked for.", advice="Choose 0.01 to 1000.")

    def wants(self, *names: str) -> bool:
        """Return whether a sensor of any of these names or addresses is to be recorded."""
        return not self.sensors or not {one.casefold() for one in self.sensors}.isdisjoint(n.casefold() for n in names)

    def placement(self, *names: str) -> Placement:
        """Return where a sensor is worn."""
        return next((self.placements[name] for name in names if name in self.placements), Placement())
