"""What a run has come to so far, and its summary: a fold over the messages of all stages. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from crampwatch.app.cli.wording import count_text, episode_counts_text
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import Origin

__all__ = ["RunStatus", "RunSummary"]

_MARKS: Final[dict[str, str]] = {Origin.DEMO: " Simulated data.", Origin.REPLAY: " Replayed recording."}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to; also the fields of the JSON event ``summary``.

    Attributes:
        origin: ``demo``, ``replay`` or ``live``.
        sensors: Sensors that took part.
        monitored_s: Longest signal that any sensor delivered.
        episodes: Count by kind.
        final: Whether `episodes` is the final result over the complete session, not the live one.
        received: Samples per channel of all sensors, live and fetched later.
        lost: Samples that were not received, and were not fetched later either.
        backfilled: Those of `received` that were fetched from a sensor's memory after a gap.
        reconnects: Connections that were made again.
        session: UUID; empty where nothing was recorded.
        restarts: Restarts by stage.
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
        """Return the summary for people, likely cramps first."""
        found = episode_counts_text(self.episodes, self.monitored_s)
        return (
            f"{found[0].upper()}{found[1:]}{'' if self.final else ', live result'}. "
            f"Samples: {self.received} received, {self.backfilled} of them fetched late, {self.lost} lost; "
            f"{count_text(self.reconnects, 'reconnection')}.{_MARKS.get(self.origin, '')}"
        )


@dataclass(slots=True)
class RunStatus:
    """State of a run, updated by messages.

    Attributes:
        since_ns: Start of the run, UTC. Older statuses are ignored: the broker retained them from an earlier run.
        origin: Assumed where no sensor has introduced itself.
        online: Services that are online, with the detail that each published, such as the page's address.
        infos: Newest by sensor.
        links: Newest by sensor.
        states: Newest by sensor.
        episodes: Revision that counts, by id; without retracted ones.
    """

    since_ns: int
    origin: str = Origin.LIVE
    online: dict[str, str] = field(default_factory=dict)
    infos: dict[str, messages.SensorInfo] = field(default_factory=dict)
    links: dict[str, messages.Link] = field(default_factory=dict)
    states: dict[str, messages.SensorState] = field(default_factory=dict)
    episodes: dict[str, messages.Episode] = field(default_factory=dict)

    def handle(self, message: messages.Message) -> None:
        """Update the state; messages of other types change nothing."""
        match message:
            case messages.ServiceStatus():
                self._handle_status(message)
            case messages.SensorInfo():
                self.infos[message.sensor] = message
            case messages.Link():
                self.links[message.sensor] = message
            case messages.SensorState():
                self.states[message.sensor] = message
            case messages.Episode():
                self._handle_episode(message)

    def lost_samples(self) -> int:
        """Return the samples that are missing at present, of all sensors."""
        return sum(link.lost_samples for link in self.links.values())

    def has_signal(self) -> bool:
        """Return whether any sensor has delivered samples."""
        return any(link.received_samples for link in self.links.values())

    def is_detection_over(self) -> bool:
        """Return whether the detector has finished with every sensor: it reports that no data comes any more."""
        return all(state.state == "no_data" for state in self.states.values())

    def summary(self, *, final: bool, restarts: dict[str, int]) -> RunSummary:
        """Return the summary; the arguments are facts that no message holds."""
        rates = {sensor: _emg_rate_hz(info) for sensor, info in self.infos.items()}
        received = {sensor: link.received_samples + link.backfilled_samples for sensor, link in self.links.items()}
        lengths = [count / rates[sensor] for sensor, count in received.items() if rates.get(sensor)]
        kinds = Counter(str(episode.kind) for episode in self.episodes.values())
        return RunSummary(
            origin=next((str(info.origin) for info in self.infos.values()), self.origin),
            sensors=len(self.infos),
            monitored_s=max(lengths, default=0.0),
            episodes=dict(sorted(kinds.items())),
            final=final,
            received=sum(received.values()),
            lost=self.lost_samples(),
            backfilled=sum(link.backfilled_samples for link in self.links.values()),
            reconnects=sum(link.reconnects for link in self.links.values()),
            session=next((info.session for info in self.infos.values()), ""),
            restarts=restarts,
        )

    def _handle_status(self, status: messages.ServiceStatus) -> None:
        if status.t_ns < self.since_ns or not status.sensor.startswith("_"):
            return
        if status.online:
            self.online[status.service] = status.detail
        else:
            self.online.pop(status.service, None)

    def _handle_episode(self, episode: messages.Episode) -> None:
        present = self.episodes.get(episode.id)
        if present is not None and present.status == "final" and episode.status not in ("final", "retracted"):
            return  # a live revision that arrives late does not override the final result
        if episode.status == "retracted":
            self.episodes.pop(episode.id, None)
        else:
            self.episodes[episode.id] = episode


def _emg_rate_hz(info: messages.SensorInfo) -> float:
    return next((stream.rate_hz for stream in info.streams if stream.kind == "emg"), 0.0)
