"""The live view's model: broker messages come in, updates for open pages come out. No I/O, no clock.

Messages may arrive in any order and more than once (MQTT delivers retained messages again after a reconnection, and
the store's history overlaps with what the broker still delivers). Every ``add`` is therefore idempotent: a sensor's
newest message wins by its time, an episode by status and revision, a notice by id.

A page receives one :meth:`LiveModel.snapshot` when it opens and then the same :meth:`LiveModel.drain_changes` as every
other page. Time is the time of the data (the newest sample), not of this machine, so that a replay shows the night
that is replayed. Everything is bounded, whatever arrives on the broker.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import MESSAGE_TYPES, Episode, Features, Message, Notice, ServiceStatus, decode
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.web.live.episodes import NightEpisodes, night_start_ns
from crampwatch.web.live.schema import SensorUpdate, Update
from crampwatch.web.live.sensor import LATEST_LEAVES, SensorLive, as_disconnected
from crampwatch.web.model.alarms import AlarmState
from crampwatch.web.model.sensor_labels import SensorLabel

__all__ = ["LiveModel"]

# Anyone who may publish can invent sensors, services and notices: these limits bound memory. A real night has two
# sensors and five services.
_MAX_SENSORS: Final = 32
_MAX_SERVICES: Final = 32
_MAX_NOTICES: Final = 50
_MAX_EPISODES_SHOWN: Final = 200
"""The list of the live view; the counts include all episodes, and the night view lists them all."""


class LiveModel:
    """The current state of every sensor and service, and the episodes and notices of the current night.

    Args:
        now_ns: UTC; used until the first samples show what time the data is from.
        utc_offset_s: Offset of local time; used until a sensor reports its own.
        version: The server's version, which open pages compare with their own.
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
        self._sent_night_ns = 0
        self._broker = False
        self._sent_broker = False
        self._alarms = AlarmState()
        self._sent_alarms = self._alarms
        self._labels: Mapping[str, SensorLabel] = {}

    @property
    def night_ns(self) -> int:
        """Local noon at which the night shown starts, UTC; in a replay, of the night replayed."""
        return night_start_ns(self._newest_ns, self._utc_offset_s)

    @property
    def broker(self) -> bool:
        """Whether the broker is connected."""
        return self._broker

    @property
    def origin(self) -> Origin:
        """Origin of the data shown: live if any sensor is, else replay, else demo; live without sensors."""
        origins = {sensor.origin for sensor in self._sensors.values()}
        return next((one for one in (Origin.LIVE, Origin.REPLAY, Origin.DEMO) if one in origins), Origin.LIVE)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Ids of the sensors that sent a message."""
        return tuple(self._sensors)

    def set_broker(self, *, connected: bool) -> None:
        """Set whether the broker is connected."""
        self._broker = connected

    def set_alarms(self, alarms: AlarmState) -> None:
        """Set the state of the alarms (snoozes, acknowledgements), shown on every open page."""
        self._alarms = alarms

    def set_labels(self, labels: Mapping[str, SensorLabel]) -> None:
        """Set the names and placements that people gave to sensors, by sensor id."""
        self._labels = labels
        for name, sensor in self._sensors.items():
            sensor.set_label(labels.get(name))

    def apply(self, topic: Topic, payload: bytes, *, now_s: float) -> None:
        """Apply a message from the broker.

        Args:
            topic: Topic it was published on.
            payload: Bytes as published.
            now_s: Monotonic seconds, from which the page sees how long a sensor has been silent.

        Raises:
            FrameError: The payload cannot be decoded; nothing has changed.
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
        elif (sensor := self._find_or_add_sensor(topic.sensor)) is not None:
            self._add_message(sensor, topic.leaf, message)

    def add_history(self, episodes: Iterable[Episode], notices: Iterable[Notice]) -> None:
        """Add what the store has of this night; it never replaces a newer revision from the broker."""
        for episode in episodes:
            self._add_episode(episode)
        for notice in notices:
            self._add_notice(notice)

    def snapshot(self, *, now_s: float) -> Update:
        """Return the complete state, for a page that just opened."""
        return Update(
            version=self._version,
            broker=self._broker,
            night_ns=self.night_ns,
            sensors={name: sensor.snapshot(now_s=now_s) for name, sensor in self._sensors.items()},
            services=dict(self._services),
            episodes=self._episodes.newest(_MAX_EPISODES_SHOWN),
            notices=list(self._notices.values()),
            counts=self._episodes.counts(),
            alarms=self._alarms,
        )

    def drain_changes(self, *, now_s: float) -> Update | None:
        """Return what changed since the last call, for every open page; None if nothing did."""
        episodes = self._episodes.drain_changes()
        is_new_night, is_new_broker = self.night_ns != self._sent_night_ns, self._broker != self._sent_broker
        update = Update(
            broker=self._broker if is_new_broker else None,
            night_ns=self.night_ns if is_new_night else 0,
            sensors=self._changed_sensors(now_s=now_s),
            services={name: self._services[name] for name in self._changed_services},
            episodes=episodes,
            notices=self._changed_notices,
            counts=self._episodes.counts() if episodes or is_new_night else {},
            alarms=self._alarms if self._alarms != self._sent_alarms else None,
        )
        self._sent_alarms = self._alarms
        self._changed_notices, self._changed_services = [], set()
        self._sent_night_ns, self._sent_broker = self.night_ns, self._broker
        return update if update != Update() else None

    @property
    def _is_collector_online(self) -> bool:
        """Whether a collector may be connected to the sensors: true until its status says that it is offline."""
        collector = self._services.get("collector")
        return collector is None or collector.online

    def _changed_sensors(self, *, now_s: float) -> dict[str, SensorUpdate]:
        changes = ((name, sensor.drain_changes(now_s=now_s)) for name, sensor in self._sensors.items())
        return {name: update for name, update in changes if update is not None}

    def _find_or_add_sensor(self, name: str) -> SensorLive | None:
        """Return a sensor; None for a new one when there are too many already."""
        sensor = self._sensors.get(name)
        if sensor is None and len(self._sensors) < _MAX_SENSORS:
            sensor = self._sensors[name] = SensorLive()
            sensor.set_label(self._labels.get(name))
        return sensor

    def _add_samples(self, name: str, block: SampleBlock, *, now_s: float) -> None:
        sensor = self._find_or_add_sensor(name)
        if sensor is None:
            return
        sensor.add_block(block, now_s=now_s)
        if sensor.newest_ns is not None:
            self._advance_to(sensor.newest_ns)

    def _add_message(self, sensor: SensorLive, leaf: Leaf, message: Message) -> None:
        if isinstance(message, Features):
            sensor.add_features(message)
        elif leaf in LATEST_LEAVES:
            sensor.add_latest(leaf, message if self._is_collector_online else as_disconnected(message))
            if sensor.info is not None:
                self._utc_offset_s = sensor.info.utc_offset_s

    def _add_service(self, name: str, message: Message) -> None:
        if isinstance(message, ServiceStatus) and (name in self._services or len(self._services) < _MAX_SERVICES):
            self._services[name] = message
            self._changed_services.add(name)
            if not self._is_collector_online:  # a killed collector leaves its sensors' last status and link in place
                for sensor in self._sensors.values():
                    sensor.mark_disconnected()

    def _add_episode(self, episode: Episode) -> None:
        if (episode.offset_ns or episode.onset_ns) >= self.night_ns:
            self._episodes.add(episode)

    def _add_notice(self, notice: Notice) -> None:
        if notice.id in self._notices:
            return
        self._notices[notice.id] = notice
        self._changed_notices.append(notice)
        if len(self._notices) > _MAX_NOTICES:
            del self._notices[min(self._notices.values(), key=lambda one: one.t_ns).id]
        del self._changed_notices[:-_MAX_NOTICES]

    def _advance_to(self, newest_ns: int) -> None:
        """Show the night of the newest samples; when a new night starts, discard the episodes of the one before."""
        before_ns = self.night_ns
        self._newest_ns = newest_ns
        if self.night_ns > before_ns:
            self._episodes.discard_before(self.night_ns)
