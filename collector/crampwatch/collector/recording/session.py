"""One recording: its file, its sensors, what is received and what is published of them.

The file is begun when the first sensor has said who it is, so that a night without sensors leaves none, and the file's
head can say whether the data is simulated. What arrived before waits in the recorder.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from crampwatch.collector.ble.adapter import FoundSensor
from crampwatch.collector.options import CollectorOptions
from crampwatch.collector.policy.messages import SensorVoice
from crampwatch.collector.recording.host_clock import HostClock, resumed_anchor
from crampwatch.collector.recording.publisher import Publisher
from crampwatch.collector.recording.reception import Reception
from crampwatch.collector.recording.recorder import Recorder
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.profiles import find_profile
from crampwatch.decoding.profiles.cws import CWS
from crampwatch.journal.listing import unfinished_sessions
from crampwatch.journal.reader import SessionReader
from crampwatch.journal.writer import SessionWriter
from crampwatch.protocol.anchor import Anchor
from crampwatch.protocol.errors import CrampwatchError, FrameError, UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import SessionHead, SessionSensor
from crampwatch.protocol.topics import sensor_id

__all__ = ["Session", "SessionMember"]

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class SessionMember:
    """A sensor of the session.

    Attributes:
        sensor: As in the file.
        reception: What its link reports to.
        publisher: None until the file is begun.
    """

    sensor: SessionSensor
    reception: Reception
    publisher: Publisher | None = None


class Session:
    """A recording in progress.

    Args:
        options: Of the collector.
        clock: Of the session.
        anchors: Of its epochs, this process's included.
        epoch: Of this process.
        on_failure: Called when the disk cannot be written.
    """

    def __init__(
        self,
        options: CollectorOptions,
        clock: HostClock,
        *,
        anchors: dict[int, Anchor],
        epoch: int,
        on_failure: Callable[[UnavailableError], None],
    ) -> None:
        self.clock = clock
        self.recorder = Recorder(clock, epoch=epoch, on_failure=on_failure)
        self.members: dict[str, SessionMember] = {}
        self.unpublished: asyncio.Queue[SessionMember] = asyncio.Queue()
        self.writer: SessionWriter | None = None
        self._options = options
        self._anchors = anchors

    @classmethod
    async def begin(cls, options: CollectorOptions, on_failure: Callable[[UnavailableError], None]) -> "Session":
        """Go on with the newest session that was cut short a moment ago, or make a new one.

        Raises:
            UnavailableError: The folder of sessions cannot be used.
        """
        writer, last = await asyncio.to_thread(_resume, options)
        if writer is None or last is None:
            clock = HostClock(speed=options.speed, start_utc_ns=options.start_utc_ns)
            return cls(options, clock, anchors={0: clock.anchor}, epoch=0, on_failure=on_failure)
        clock = HostClock(speed=options.speed, anchor=writer.anchor)
        anchors = {**last, writer.epoch: writer.anchor}
        session = cls(options, clock, anchors=anchors, epoch=writer.epoch, on_failure=on_failure)
        session.writer = writer
        await asyncio.to_thread(session._restore, writer)
        for member in session.members.values():
            session.unpublished.put_nowait(member)
        _log.info("going on with session %s", writer.path.name)
        return session

    @property
    def addresses(self) -> set[str]:
        """Of the sensors that take part."""
        return {member.sensor.address for member in self.members.values()}

    async def admit(self, found: FoundSensor) -> SessionMember:
        """Let a sensor take part."""
        name = self._id_for(found)
        placement = self._options.placement(name, found.name, found.address)
        sensor = SessionSensor(
            len(self.members) + 1, name, found.name, found.address, CWS.name, placement.side, placement.muscle
        )
        if self.writer is not None:
            sensor = await self._enter(self.writer, sensor)
        member = SessionMember(sensor, self._new_reception(sensor))
        self.members[name] = member
        if self.writer is not None:
            self.unpublished.put_nowait(member)
        return member

    async def open_file(self, origin: Origin) -> SessionWriter:
        """Begin the file, unless there is one.

        Raises:
            UnavailableError: It cannot be written.
        """
        if self.writer is None:
            writer = await asyncio.to_thread(SessionWriter.create, self._options.sessions_dir, self._head(origin))
            for member in self.members.values():
                member.sensor = await self._enter(writer, member.sensor)
            self.writer = writer
            for member in self.members.values():
                self.unpublished.put_nowait(member)
            _log.info("recording %s", writer.path)
        return self.writer

    async def next_publisher(self) -> Publisher:
        """Return the publisher of the next sensor that has none, as soon as there is one and the file is begun."""
        member = await self.unpublished.get()
        assert self.writer is not None
        history = SensorHistory(find_profile(member.sensor.profile), self._anchors)
        reception = member.reception
        voice = SensorVoice(self.writer.head, member.sensor, history, lambda: reception.identity.get("firmware", ""))
        publisher = Publisher(voice, self.writer, self.recorder, sensor_key=member.sensor.key, utc_ns=self.clock.utc_ns)
        await asyncio.to_thread(publisher.catch_up)
        member.publisher = publisher
        return publisher

    def _head(self, origin: Origin) -> SessionHead:
        anchor = self._anchors[0]
        offset = datetime.fromtimestamp(anchor.utc_ns / 1e9, UTC).astimezone().utcoffset()
        return SessionHead(
            str(uuid4()),
            anchor.utc_ns,
            anchor.mono_ns,
            0 if offset is None else round(offset.total_seconds()),
            origin.value,
            self._options.software,
        )

    def _restore(self, writer: SessionWriter) -> None:
        """Know what the killed process knew: take the whole file once more."""
        with SessionReader(writer.path) as reader:
            for sensor in reader.sensors():
                reception = self._new_reception(sensor)
                self.members[sensor.sensor] = SessionMember(sensor, reception)
                for record in reader.records(sensor.key):
                    reception.take(record)

    def _new_reception(self, sensor: SessionSensor) -> Reception:
        history = SensorHistory(find_profile(sensor.profile), self._anchors)
        return Reception(sensor.key, history, self.recorder, self.clock)

    async def _enter(self, writer: SessionWriter, sensor: SessionSensor) -> SessionSensor:
        return await self.recorder.aside(
            lambda: writer.add_sensor(
                sensor.sensor,
                name=sensor.name,
                address=sensor.address,
                profile=sensor.profile,
                side=sensor.side,
                muscle=sensor.muscle,
            )
        )

    def _id_for(self, found: FoundSensor) -> str:
        """Return the sensor's id; two of one name are told apart by their address."""
        try:
            name = sensor_id(found.name)
        except FrameError:
            name = sensor_id(found.address)
        if name not in self.members:
            return name
        return f"{name[:27]}-{sensor_id(found.address).replace('-', '')[-4:]}"


def _resume(options: CollectorOptions) -> tuple[SessionWriter | None, dict[int, Anchor] | None]:
    """Reopen the newest unfinished session that is young enough, and end the others at their last record."""
    if not options.sessions_dir.is_dir():
        return None, None
    for summary in unfinished_sessions(options.sessions_dir):
        try:
            with SessionReader(summary.path) as reader:
                anchors = reader.anchors()
                last = reader.last_record()
        except CrampwatchError as error:
            _log.warning("%s", error)
            continue
        if last is None or HostClock.wall_ns() - last.utc_ns > options.resume_within_s * 1e9:
            _end(summary.path, summary.last_utc_ns)
            continue
        anchor = resumed_anchor(
            anchors[last.epoch], last_mono_ns=last.mono_ns, last_wall_ns=last.utc_ns, speed=options.speed
        )
        return SessionWriter.resume(summary.path, anchor=anchor), anchors
    return None, None


def _end(path: Path, last_utc_ns: int) -> None:
    try:
        SessionWriter.resume(path).close(last_utc_ns)
    except CrampwatchError as error:
        _log.warning("%s", error)
