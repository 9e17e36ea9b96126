"""What a run has seen: who is there, how the link fares, which episodes hold. Pure; fed with messages."""

from collections import Counter
from dataclasses import dataclass, field

from crampwatch.protocol import messages

__all__ = ["RunSummary", "Tally", "kinds_text"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What is told at the end of a run.

    Attributes:
        origin: ``demo``, ``replay`` or ``live``.
        sensors: How many took part.
        monitored_s: Longest stretch of signal any of them delivered.
        episodes: Count by kind.
        final: Whether that is the verdict over the complete session, not the live one.
        received: Samples a channel, of all sensors, live and later.
        lost: Samples that nobody holds any more, or that were not fetched yet.
        backfilled: Those of them fetched from a sensor's memory after a gap.
        reconnects: Connections made again.
        session: UUID; empty where none was recorded.
        restarts: Stages that died and were started again.
    """

    origin: str
    sensors: int
    monitored_s: float
    episodes: dict[str, int]
    final: bool
    received: int
    lost: int
    backfilled: int
    reconnects: int
    session: str
    restarts: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Return one line for people."""
        marks = {"demo": " Simulated data.", "replay": " Replayed recording."}
        verdict = "" if self.final else " (live verdict)"
        return (
            f"Monitored {self.monitored_s:.0f} s; episodes{verdict}: {kinds_text(self.episodes)}; "
            f"samples: {self.received} received, {self.backfilled} of them backfilled, {self.lost} lost; "
            f"{self.reconnects} reconnection(s)."
            f"{marks.get(self.origin, '')}"
        )


def kinds_text(counts: dict[str, int]) -> str:
    """Return how many episodes of each kind there were.

    >>> kinds_text({"cramp": 1, "leg_movement": 2})
    '1 cramp, 2 leg movement'
    """
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items()) or "none"


@dataclass(slots=True)
class Tally:
    """Takes messages and remembers what holds.

    Attributes:
        since_ns: Statuses older than this were kept by the broker from an earlier run, and are passed over.
        origin: What data are where no sensor has told.
        online: Services that are there, with what they say of themselves.
        infos: Latest of each sensor.
        links: Latest of each sensor.
        states: Latest of each sensor.
        episodes: Revision that holds of each, retracted ones left out.
    """

    since_ns: int
    origin: str = ""
    online: dict[str, str] = field(default_factory=dict)
    infos: dict[str, messages.SensorInfo] = field(default_factory=dict)
    links: dict[str, messages.Link] = field(default_factory=dict)
    states: dict[str, messages.SensorState] = field(default_factory=dict)
    episodes: dict[str, messages.Episode] = field(default_factory=dict)

    def take(self, message: messages.Message) -> None:
        """Take a message of any leaf."""
        match message:
            case messages.ServiceStatus():
                self._take_status(message)
            case messages.SensorInfo():
                self.infos[message.sensor] = message
            case messages.Link():
                self.links[message.sensor] = message
            case messages.SensorState():
                self.states[message.sensor] = message
            case messages.Episode():
                self._take_episode(message)

    def lost_samples(self) -> int:
        """Return the samples missing at present, of all sensors."""
        return sum(link.lost_samples for link in self.links.values())

    def hears_signal(self) -> bool:
        """Return whether any sensor has delivered samples."""
        return any(link.received_samples for link in self.links.values())

    def is_quiet(self) -> bool:
        """Return whether the detector is done with every sensor: it says that there is no data any more."""
        return all(state.state == "no_data" for state in self.states.values())

    def summary(self, *, final: bool, restarts: dict[str, int]) -> RunSummary:
        """Return what the run comes to."""
        rates = {sensor: _rate_hz(info) for sensor, info in self.infos.items()}
        held = {sensor: link.received_samples + link.backfilled_samples for sensor, link in self.links.items()}
        lengths = [count / rates[sensor] for sensor, count in held.items() if rates.get(sensor)]
        kinds = Counter(str(episode.kind) for episode in self.episodes.values())
        return RunSummary(
            origin=next((str(info.origin) for info in self.infos.values()), self.origin),
            sensors=len(self.infos),
            monitored_s=max(lengths, default=0.0),
            episodes=dict(sorted(kinds.items())),
            final=final,
            received=sum(held.values()),
            lost=self.lost_samples(),
            backfilled=sum(link.backfilled_samples for link in self.links.values()),
            reconnects=sum(link.reconnects for link in self.links.values()),
            session=next((info.session for info in self.infos.values()), ""),
            restarts=restarts,
        )

    def _take_status(self, status: messages.ServiceStatus) -> None:
        if status.t_ns < self.since_ns or not status.sensor.startswith("_"):
            return
        if status.online:
            self.online[status.service] = status.detail
        else:
            self.online.pop(status.service, None)

    def _take_episode(self, episode: messages.Episode) -> None:
        held = self.episodes.get(episode.id)
        if held is not None and held.status == "final" and episode.status not in ("final", "retracted"):
            return
        if episode.status == "retracted":
            self.episodes.pop(episode.id, None)
        else:
            self.episodes[episode.id] = episode


def _rate_hz(info: messages.SensorInfo) -> float:
    return next((stream.rate_hz for stream in info.streams if stream.kind == "emg"), 0.0)
