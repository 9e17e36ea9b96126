"""The live picture: messages of the broker come in, what a page has to be told comes out. No I/O, no clock."""

from collections.abc import Iterable, Mapping
from typing import Final

from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import MESSAGE_TYPES, Episode, Features, Message, Notice, ServiceStatus, decode
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.web.live.episodes import NightEpisodes, night_start_ns
from crampwatch.web.live.schema import SensorUpdate, Update
from crampwatch.web.live.sensor import LATEST_LEAVES, SensorLive, as_disconnected
from crampwatch.web.settings.model.alarms import AlarmState
from crampwatch.web.settings.model.sensor_labels import SensorLabel

__all__ = ["LiveModel"]

_MOST_SENSORS: Final = 32
_MOST_SERVICES: Final = 32
_MOST_NOTICES: Final = 50
_MOST_EPISODES_SHOWN: Final = 200


class LiveModel:
    """What is so now, of every sensor; bounded, whatever the broker says.

    Args:
        now_ns: UTC, until the first message tells what time the data is of.
        utc_offset_s: Of local time, until a sensor tells its own.
        version: Of the server.
    """

    def __init__(self, *, now_ns: int, utc_offset_s: int, version: str = "") -> None:
        self._version = version
        self._newest_ns = now_ns
        self._utc_offset_s = utc_offset_s
        self._sensors: dict[str, SensorLive] = {}
        self._services: dict[str, ServiceStatus] = {}
        self._changed_services: set[str] = set()
        self._episodes = NightEpisodes()
        self._notices: dict[str, Notice] = {}
        self._changed_notices: list[Notice] = []
        self._told_night_ns = 0
        self._broker = False
        self._told_broker = False
        self._alarms = AlarmState()
        self._told_alarms = self._alarms
        self._labels: Mapping[str, SensorLabel] = {}

    @property
    def night_ns(self) -> int:
        """Local noon that the night shown began after; in a replay, of the night replayed."""
        return night_start_ns(self._newest_ns, self._utc_offset_s)

    @property
    def broker(self) -> bool:
        """Whether the broker is there."""
        return self._broker

    @property
    def origin(self) -> Origin:
        """Of what is shown: real as soon as one sensor is."""
        origins = {sensor.origin for sensor in self._sensors.values()}
        return next((one for one in (Origin.LIVE, Origin.REPLAY, Origin.DEMO) if one in origins), Origin.LIVE)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Sensors heard of."""
        return tuple(self._sensors)

    def set_broker(self, *, connected: bool) -> None:
        """Take whether the broker is there at the moment."""
        self._broker = connected

    def set_alarms(self, alarms: AlarmState) -> None:
        """Take what people have said about alarms."""
        self._alarms = alarms

    def set_labels(self, labels: Mapping[str, SensorLabel]) -> None:
        """Take how people call the sensors, by id."""
        self._labels = labels
        for name, sensor in self._sensors.items():
            sensor.set_label(labels.get(name))

    def apply(self, topic: Topic, payload: bytes, *, now_s: float) -> None:
        """Take a message, in any order and as often as it is delivered.

        Args:
            topic: Where it was published.
            payload: As published.
            now_s: Monotonic seconds.

        Raises:
            FrameError: It cannot be read; nothing has changed.
        """
        if topic.leaf is Leaf.SAMPLES:
            self._add_samples(topic.sensor, SampleBlock.decode(payload), now_s=now_s)
            return
        message = decode(payload, MESSAGE_TYPES[topic.leaf])
        if topic.sensor.startswith("_"):
            self._add_service(topic.sensor[1:], message)
        elif isinstance(message, Episode):
            self._add_episode(message)
        elif isinstance(message, Notice):
            self._add_notice(message)
        elif (sensor := self._sensor(topic.sensor)) is not None:
            self._add_message(sensor, topic.leaf, message)

    def add_history(self, episodes: Iterable[Episode], notices: Iterable[Notice]) -> None:
        """Take what the store remembers of this night; what the broker has said since then stands."""
        for episode in episodes:
            self._add_episode(episode)
        for notice in notices:
            self._add_notice(notice)

    def snapshot(self, *, now_s: float) -> Update:
        """Return all that is known, for a page just opened."""
        return Update(
            version=self._version,
            broker=self._broker,
            night_ns=self.night_ns,
            sensors={name: sensor.picture(now_s=now_s) for name, sensor in self._sensors.items()},
            services=dict(self._services),
            episodes=self._episodes.newest(_MOST_EPISODES_SHOWN),
            notices=list(self._notices.values()),
            counts=self._episodes.counts(),
            alarms=self._alarms,
        )

    def drain_changes(self, *, now_s: float) -> Update | None:
        """Return what changed since last taken, for every page open; None if nothing did."""
        episodes = self._episodes.drain_changes()
        is_new_night, is_new_broker = self.night_ns != self._told_night_ns, self._broker != self._told_broker
        update = Update(
            broker=self._broker if is_new_broker else None,
            night_ns=self.night_ns if is_new_night else 0,
            sensors=self._changed_sensors(now_s=now_s),
            services={name: self._services[name] for name in self._changed_services},
            episodes=episodes,
            notices=self._changed_notices,
            counts=self._episodes.counts() if episodes or is_new_night else {},
            alarms=self._alarms if self._alarms != self._told_alarms else None,
        )
        self._told_alarms = self._alarms
        self._changed_notices, self._changed_services = [], set()
        self._told_night_ns, self._told_broker = self.night_ns, self._broker
        return update if update != Update() else None

    @property
    def _is_collected(self) -> bool:
        """Whether somebody may be connected to the sensors; so it is as long as no collector says that it is gone."""
        collector = self._services.get("collector")
        return collector is None or collector.online

    def _changed_sensors(self, *, now_s: float) -> dict[str, SensorUpdate]:
        changes = ((name, sensor.drain_changes(now_s=now_s)) for name, sensor in self._sensors.items())
        return {name: update for name, update in changes if update is not None}

    def _sensor(self, name: str) -> SensorLive | None:
        known = self._sensors.get(name)
        if known is None and len(self._sensors) < _MOST_SENSORS:
            known = self._sensors[name] = SensorLive()
            known.set_label(self._labels.get(name))
        return known

    def _add_samples(self, name: str, block: SampleBlock, *, now_s: float) -> None:
        sensor = self._sensor(name)
        if sensor is None:
            return
        sensor.add_block(block, now_s=now_s)
        if sensor.newest_ns is not None:
            self._move_to(sensor.newest_ns)

    def _add_message(self, sensor: SensorLive, leaf: Leaf, message: Message) -> None:
        if isinstance(message, Features):
            sensor.add_features(message)
        elif leaf in LATEST_LEAVES:
            sensor.add_latest(leaf, message if self._is_collected else as_disconnected(message))
            if sensor.info is not None:
                self._utc_offset_s = sensor.info.utc_offset_s

    def _add_service(self, name: str, message: Message) -> None:
        if isinstance(message, ServiceStatus) and (name in self._services or len(self._services) < _MOST_SERVICES):
            self._services[name] = message
            self._changed_services.add(name)
            if not self._is_collected:  # a collector that was killed leaves what it said of its sensors standing
                for sensor in self._sensors.values():
                    sensor.lose()

    def _add_episode(self, episode: Episode) -> None:
        if (episode.offset_ns or episode.onset_ns) >= self.night_ns:
            self._episodes.add(episode)

    def _add_notice(self, notice: Notice) -> None:
        if notice.id in self._notices:
            return
        self._notices[notice.id] = notice
        self._changed_notices.append(notice)
        if len(self._notices) > _MOST_NOTICES:
            del self._notices[min(self._notices.values(), key=lambda known: known.t_ns).id]
        del self._changed_notices[:-_MOST_NOTICES]

    def _move_to(self, newest_ns: int) -> None:
        """Let the night shown be the one of the newest samples, and forget the night before it."""
        before_ns = self.night_ns
        self._newest_ns = newest_ns
        if self.night_ns > before_ns:
            self._episodes.forget_before(self.night_ns)
