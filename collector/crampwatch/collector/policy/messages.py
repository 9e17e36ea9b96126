"""What the broker is told of a sensor: made of its records alone, so that telling it again says the same."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from crampwatch.collector.policy.battery import BatteryForecast
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import (
    BatteryReading,
    EventReceived,
    LinkChange,
    Observation,
    SamplesReceived,
    SensorDescribed,
    TemperatureReading,
)
from crampwatch.decoding.runs import Run, join_runs, new_runs
from crampwatch.protocol import messages
from crampwatch.protocol.event import EventCode
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import Record, RecordKind, SessionHead, SessionSensor
from crampwatch.protocol.stream import StreamDescription, StreamKind
from crampwatch.protocol.topics import Leaf, Topic

__all__ = ["Outgoing", "SensorVoice"]

BLOCK_S: Final = 0.25
_Code = Literal["sensor_silent", "sensor_back", "battery_low", "lead_off", "broken_frames"]
_Kind = Literal["emg", "temperature", "acceleration", "impedance"]
_KINDS: Final[dict[StreamKind, _Kind]] = {
    StreamKind.EMG: "emg",
    StreamKind.TEMPERATURE: "temperature",
    StreamKind.ACCELERATION: "acceleration",
    StreamKind.IMPEDANCE: "impedance",
}
BROKEN_FRAMES: Final = 20
"""Broken frames worth a notice: a checksum of 16 bits seldom fails over a radio that has one of 24 of its own."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One publication."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class SensorVoice:
    """Turns records of one sensor into publications.

    Args:
        head: Of the session.
        sensor: Who it is.
        history: Of the sensor; every record given to :meth:`told` goes through it.
        firmware: Tells its firmware's revision; empty where not known yet.
    """

    def __init__(
        self, head: SessionHead, sensor: SessionSensor, history: SensorHistory, firmware: Callable[[], str]
    ) -> None:
        self.history = history
        self._firmware = firmware
        self._head = head
        self._sensor = sensor
        self._session = UUID(head.session)
        self._battery = BatteryForecast()
        self._latest: dict[tuple[int, int], tuple[int, int]] = {}
        self._leads_off = 0
        self._is_broken_told = False

    @property
    def origin(self) -> Origin:
        """Where its data comes from."""
        return Origin(self._head.origin) if self.history.boot is None else self.history.boot.info.origin

    def skip(self, record: Record) -> None:
        """Take a record that was told by an earlier process."""
        observation = self.history.handle(record)
        if observation is not None and not isinstance(observation, SamplesReceived):
            for _ in self._said_of(observation):  # what was said, such as a low battery, is not said twice
                pass

    def told(self, records: Sequence[Record]) -> list[Outgoing]:
        """Take records in order and return what is to be published of them."""
        runs: list[Run] = []
        said: list[Outgoing] = []
        for record in records:
            if record.kind is RecordKind.INFO:  # what came before it may be of another boot, and of another clock
                said += self._blocks(runs)
                runs = []
            observation = self.history.handle(record)
            if isinstance(observation, SamplesReceived):
                runs.extend(new_runs(observation))
            elif observation is not None:
                said.extend(self._said_of(observation))
        if records:
            said.extend(self._said_of_broken_frames(records[-1].utc_ns))
        return said + self._blocks(runs)

    def info(self, boot: Boot, *, ended_ns: int | None = None) -> Outgoing:
        """Return who the sensor is, in this session."""
        return self._message(
            Leaf.INFO,
            messages.SensorInfo(
                sensor=self._sensor.sensor,
                t_ns=self._head.started_utc_ns if ended_ns is None else ended_ns,
                origin=self.origin,
                session=self._head.session,
                name=self._sensor.name,
                profile=self._sensor.profile,
                boot_id=boot.info.boot_id,
                streams=tuple(_stream_info(stream) for stream in boot.info.streams),
                started_ns=self._head.started_utc_ns,
                utc_offset_s=self._head.utc_offset_s,
                ended_ns=ended_ns,
                placement=messages.Placement(side=_side(self._sensor.side), muscle=self._sensor.muscle[:500]),
                firmware=self._firmware()[:500],
            ),
        )

    def link(self, utc_ns: int) -> Outgoing:
        """Return how the radio fares."""
        history = self.history
        return self._message(
            Leaf.LINK,
            messages.Link(
                sensor=self._sensor.sensor,
                t_ns=utc_ns,
                origin=self.origin,
                connected=history.is_connected,
                rssi_dbm=history.rssi_dbm,
                received_samples=history.received_samples,
                lost_samples=history.missing_samples,
                backfilled_samples=history.backfilled_samples,
                broken_frames=history.broken_frames,
                reconnects=max(0, history.connections - 1),
            ),
        )

    def status(self, utc_ns: int, *, online: bool) -> Outgoing:
        """Return whether the sensor is there."""
        return self._message(
            Leaf.STATUS,
            messages.ServiceStatus(
                sensor=self._sensor.sensor, t_ns=utc_ns, origin=self.origin, online=online, service="sensor"
            ),
        )

    def silent(self, since_ns: int) -> Outgoing:
        """Return the notice that nothing was heard since a time."""
        return self._notice(
            since_ns, "sensor_silent", "warning", f"{self._sensor.name} is out of reach or switched off."
        )

    def back(self, utc_ns: int) -> Outgoing:
        """Return the notice that a sensor that was silent is heard again."""
        return self._notice(utc_ns, "sensor_back", "info", f"{self._sensor.name} is heard again.")

    def _said_of(self, seen: Observation) -> Iterator[Outgoing]:
        """Yield what follows from anything but samples."""
        match seen:
            case TemperatureReading():
                yield self._temperature(seen)
            case BatteryReading():
                yield from self._said_of_battery(seen)
            case EventReceived():
                yield from self._said_of_event(seen)
            case LinkChange():
                yield self.link(seen.utc_ns)
                yield self.status(seen.utc_ns, online=seen.connected)
            case SensorDescribed():
                yield self.info(seen.boot)
            case _:
                pass

    def _temperature(self, seen: TemperatureReading) -> Outgoing:
        celsius = None if math.isnan(seen.celsius) else seen.celsius
        return self._message(
            Leaf.TEMPERATURE,
            messages.Temperature(sensor=self._sensor.sensor, t_ns=seen.utc_ns, origin=self.origin, celsius=celsius),
        )

    def _said_of_battery(self, seen: BatteryReading) -> Iterator[Outgoing]:
        self._battery.take(seen.utc_ns, seen.percent)
        yield self._message(
            Leaf.BATTERY,
            messages.Battery(
                sensor=self._sensor.sensor,
                t_ns=seen.utc_ns,
                origin=self.origin,
                percent=seen.percent,
                empty_at_ns=self._battery.empty_at_ns,
            ),
        )
        if self._battery.is_newly_low():
            text = f"The battery of {self._sensor.name} is at {seen.percent} %."
            yield self._notice(seen.utc_ns, "battery_low", "warning", text)

    def _said_of_event(self, seen: EventReceived) -> Iterator[Outgoing]:
        if seen.event.code != EventCode.LEAD_CHANGE or len(seen.event.payload) != 2:
            return
        leads_off = int.from_bytes(seen.event.payload, "little")
        if leads_off & ~self._leads_off:
            text = f"An electrode of {self._sensor.name} has no contact: what it measures cannot be trusted."
            yield self._notice(seen.utc_ns, "lead_off", "warning", text)
        self._leads_off = leads_off

    def _said_of_broken_frames(self, utc_ns: int) -> Iterator[Outgoing]:
        if self.history.broken_frames >= BROKEN_FRAMES and not self._is_broken_told:
            self._is_broken_told = True
            text = f"{self._sensor.name} sends frames that cannot be read; they are kept in the session file."
            yield self._notice(utc_ns, "broken_frames", "warning", text)

    def _blocks(self, runs: list[Run]) -> list[Outgoing]:
        topic, qos, retain = str(Topic(self._sensor.sensor, Leaf.SAMPLES)), Leaf.SAMPLES.qos, Leaf.SAMPLES.retained
        return [
            Outgoing(topic, run.to_block(self._session, self._first_utc_ns(run)).encode(), qos, retain)
            for run in join_runs(runs, longest_s=BLOCK_S)
        ]

    def _first_utc_ns(self, run: Run) -> int:
        """Return when a run began, by the clock as it is known now: later samples are never told an earlier time."""
        assert self.history.boot is not None
        utc_ns = self.history.boot.clock.utc_ns(run.ticks) or self._head.started_utc_ns
        key = (run.boot_id, run.stream.stream)
        index, latest_ns = self._latest.get(key, (-1, 0))
        if run.first_index > index:
            utc_ns = max(utc_ns, latest_ns)
            self._latest[key] = (run.first_index, utc_ns)
        return utc_ns

    def _notice(self, utc_ns: int, code: _Code, severity: messages.Severity, text: str) -> Outgoing:
        """Return what a person should know; its id is made of what it says and when that was so."""
        return self._message(
            Leaf.NOTICE,
            messages.Notice(
                sensor=self._sensor.sensor,
                t_ns=utc_ns,
                origin=self.origin,
                id=f"{self._sensor.sensor}-{code}-{utc_ns // 1_000_000}",
                severity=severity,
                code=code,
                text=text,
            ),
        )

    def _message(self, leaf: Leaf, message: messages.Message) -> Outgoing:
        return Outgoing(str(Topic(self._sensor.sensor, leaf)), messages.encode(message), leaf.qos, leaf.retained)


def _stream_info(stream: StreamDescription) -> messages.StreamInfo:
    return messages.StreamInfo(
        stream=stream.stream,
        kind=_KINDS[stream.kind],
        channels=stream.channels,
        rate_hz=stream.rate_hz,
        lsb_uv=stream.lsb_uv if stream.has_scale else None,
        band_hz=stream.band_hz,
        labels=stream.labels,
    )


def _side(text: str) -> Literal["left", "right", "unknown"]:
    return "left" if text == "left" else "right" if text == "right" else "unknown"
