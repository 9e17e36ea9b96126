"""Translates the records of one sensor into the messages that are published about it.

Publications follow from the records alone, in their order. So the session file is the only state that has to survive:
after a kill, translating the same records again gives the same messages with the same ids, and whoever receives one
twice can tell. Two things need care:

* After a restart, records that were published before are only replayed (:meth:`RecordTranslator.replay`), so that a low
  battery is not reported twice.
* A sensor's clock is known better with every synchronisation, and its estimate may move back by a little. Block times
are
  therefore never allowed to run backwards within a stream.
"""

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

__all__ = ["Publication", "RecordTranslator"]

BLOCK_S: Final = 0.25
"""Longest sample block: a quarter of a second is a delay nobody notices, and keeps the number of messages low."""
_Code = Literal["sensor_silent", "sensor_back", "battery_low", "lead_off", "broken_frames"]
_Kind = Literal["emg", "temperature", "acceleration", "impedance"]
_KINDS: Final[dict[StreamKind, _Kind]] = {
    StreamKind.EMG: "emg",
    StreamKind.TEMPERATURE: "temperature",
    StreamKind.ACCELERATION: "acceleration",
    StreamKind.IMPEDANCE: "impedance",
}
BROKEN_FRAMES: Final = 20
"""Broken frames after which a notice is published. The radio has a checksum of its own (24 bits), so that the frames'
checksum (16 bits) hardly ever fails: many failures mean a fault of the sensor."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One MQTT message, ready to be published."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class RecordTranslator:
    """Translates the records of one sensor into publications.

    Args:
        head: Head of the session file.
        sensor: The sensor as it is entered in the session file.
        history: State of the sensor; every record given to :meth:`translate` or :meth:`replay` updates it.
        firmware: Returns the firmware revision of the sensor; empty while it is not known.
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
        self._latest_block: dict[tuple[int, int], tuple[int, int]] = {}
        self._leads_off = 0
        self._is_broken_reported = False

    @property
    def origin(self) -> Origin:
        """Whether the data is of a real night, simulated, or a replay."""
        return Origin(self._head.origin) if self.history.boot is None else self.history.boot.info.origin

    def replay(self, record: Record) -> None:
        """Update the state with a record that was published by an earlier process."""
        observation = self.history.handle(record)
        if observation is not None and not isinstance(observation, SamplesReceived):
            for _ in self._publications_of(observation):  # notes what was reported, such as a low battery
                pass

    def translate(self, records: Sequence[Record]) -> list[Publication]:
        """Return what is to be published of the next records, which are in the order of the session file.

        Messages come first, then the sample blocks of all records, joined where they are contiguous.
        """
        runs: list[Run] = []
        publications: list[Publication] = []
        for record in records:
            if record.kind is RecordKind.INFO:  # earlier samples may be of another boot, with another clock
                publications += self._block_publications(runs)
                runs = []
            observation = self.history.handle(record)
            if isinstance(observation, SamplesReceived):
                runs.extend(new_runs(observation))
            elif observation is not None:
                publications.extend(self._publications_of(observation))
        if records:
            publications.extend(self._broken_frames_notice(records[-1].utc_ns))
        return publications + self._block_publications(runs)

    def info_message(self, boot: Boot, *, ended_ns: int | None = None) -> Publication:
        """Return the description of the sensor in this session; with `ended_ns`, that the session has ended."""
        return self._publication(
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
                placement=messages.Placement(side=_parse_side(self._sensor.side), muscle=self._sensor.muscle[:500]),
                firmware=self._firmware()[:500],
            ),
        )

    def link_message(self, utc_ns: int) -> Publication:
        """Return the state of the radio link and its counters."""
        history = self.history
        return self._publication(
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

    def status_message(self, utc_ns: int, *, online: bool) -> Publication:
        """Return whether the sensor is connected."""
        return self._publication(
            Leaf.STATUS,
            messages.ServiceStatus(
                sensor=self._sensor.sensor, t_ns=utc_ns, origin=self.origin, online=online, service="sensor"
            ),
        )

    def silence_notice(self, since_ns: int) -> Publication:
        """Return the notice that the sensor has been disconnected since a time."""
        return self._notice(
            since_ns, "sensor_silent", "warning", f"{self._sensor.name} is out of reach or switched off."
        )

    def return_notice(self, utc_ns: int) -> Publication:
        """Return the notice that the sensor is connected again after a long absence."""
        return self._notice(utc_ns, "sensor_back", "info", f"{self._sensor.name} is connected again.")

    def _publications_of(self, seen: Observation) -> Iterator[Publication]:
        """Yield what is to be published of anything but samples."""
        match seen:
            case TemperatureReading():
                yield self._temperature_message(seen)
            case BatteryReading():
                yield from self._battery_publications(seen)
            case EventReceived():
                yield from self._event_notice(seen)
            case LinkChange():
                yield self.link_message(seen.utc_ns)
                yield self.status_message(seen.utc_ns, online=seen.connected)
            case SensorDescribed():
                yield self.info_message(seen.boot)
            case _:
                pass

    def _temperature_message(self, seen: TemperatureReading) -> Publication:
        celsius = None if math.isnan(seen.celsius) else seen.celsius
        return self._publication(
            Leaf.TEMPERATURE,
            messages.Temperature(sensor=self._sensor.sensor, t_ns=seen.utc_ns, origin=self.origin, celsius=celsius),
        )

    def _battery_publications(self, seen: BatteryReading) -> Iterator[Publication]:
        self._battery.update(seen.utc_ns, seen.percent)
        yield self._publication(
            Leaf.BATTERY,
            messages.Battery(
                sensor=self._sensor.sensor,
                t_ns=seen.utc_ns,
                origin=self.origin,
                percent=seen.percent,
                empty_at_ns=self._battery.empty_at_ns,
            ),
        )
        if self._battery.has_just_run_low():
            text = f"The battery of {self._sensor.name} is at {seen.percent} %."
            yield self._notice(seen.utc_ns, "battery_low", "warning", text)

    def _event_notice(self, seen: EventReceived) -> Iterator[Publication]:
        if seen.event.code != EventCode.LEAD_CHANGE or len(seen.event.payload) != 2:
            return
        leads_off = int.from_bytes(seen.event.payload, "little")
        if leads_off & ~self._leads_off:
            text = f"An electrode of {self._sensor.name} has no contact: what it measures cannot be trusted."
            yield self._notice(seen.utc_ns, "lead_off", "warning", text)
        self._leads_off = leads_off

    def _broken_frames_notice(self, utc_ns: int) -> Iterator[Publication]:
        if self.history.broken_frames >= BROKEN_FRAMES and not self._is_broken_reported:
            self._is_broken_reported = True
            text = f"{self._sensor.name} sends damaged frames; they are stored in the session file."
            yield self._notice(utc_ns, "broken_frames", "warning", text)

    def _block_publications(self, runs: list[Run]) -> list[Publication]:
        topic, qos, retain = str(Topic(self._sensor.sensor, Leaf.SAMPLES)), Leaf.SAMPLES.qos, Leaf.SAMPLES.retained
        return [
            Publication(topic, run.to_block(self._session, self._first_utc_ns(run)).encode(), qos, retain)
            for run in join_runs(runs, longest_s=BLOCK_S)
        ]

    def _first_utc_ns(self, run: Run) -> int:
        """Return the start of a run by the present estimate of the clock, but never before that of earlier samples."""
        assert self.history.boot is not None
        utc_ns = self.history.boot.clock.utc_ns(run.ticks) or self._head.started_utc_ns
        key = (run.boot_id, run.stream.stream)
        index, latest_ns = self._latest_block.get(key, (-1, 0))
        if run.first_index > index:
            utc_ns = max(utc_ns, latest_ns)
            self._latest_block[key] = (run.first_index, utc_ns)
        return utc_ns

    def _notice(self, utc_ns: int, code: _Code, severity: messages.Severity, text: str) -> Publication:
        """Return a notice for a person, with an id that follows from its code and time: the same after a restart."""
        return self._publication(
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

    def _publication(self, leaf: Leaf, message: messages.Message) -> Publication:
        return Publication(str(Topic(self._sensor.sensor, leaf)), messages.encode(message), leaf.qos, leaf.retained)


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


def _parse_side(text: str) -> Literal["left", "right", "unknown"]:
    return "left" if text == "left" else "right" if text == "right" else "unknown"
