"""One recording: its file, its sensors, and for each sensor a reception and a publisher.

The file is created when the first sensor has described itself: a night without sensors leaves no file, and the file's
head can say whether the data is simulated. Records that arrive earlier wait in the recorder.

Resuming. A session without an end was cut short: the process was killed, or the machine lost power. At the next start
the newest such session is resumed if its last record is recent (`resume_within_s`), so that one night is one file;
older ones are ended at their last record. Resuming reads the whole file once, which restores for each sensor what the
killed process knew: the sensor's clock, which samples are there, which are missing.
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
from crampwatch.collector.policy.publications import RecordTranslator
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
    """A sensor that takes part in the session; `publisher` is None until the file is created."""

    sensor: SessionSensor
    reception: Reception
    publisher: Publisher | None = None


class Session:
    """A recording in progress.

    Args:
        clock: Clock of the session.
        anchors: Anchors of all epochs of the session by number, including that of this process.
        epoch: Number of this process within the session.
        on_failure: Called when the disk cannot be written.

    Attributes:
        members: By sensor id.
        unpublished: Sensors that have no publisher yet, in the order in which they may get one.
        writer: None until the file is created.
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
    async def resume_or_start(
        cls, options: CollectorOptions, on_failure: Callable[[UnavailableError], None]
    ) -> "Session":
        """Resume the newest session if it was cut short recently, or start a new one.

        Raises:
            UnavailableError: The folder of sessions cannot be used, or another process writes the session.
        """
        writer, last = await asyncio.to_thread(_resume_newest, options)
        if writer is None or last is None:
            clock = HostClock(speed=options.speed, start_utc_ns=options.start_utc_ns)
            return cls(options, clock, anchors={0: clock.anchor}, epoch=0, on_failure=on_failure)
        clock = HostClock(speed=options.speed, anchor=writer.anchor)
        anchors = {**last, writer.epoch: writer.anchor}
        session = cls(options, clock, anchors=anchors, epoch=writer.epoch, on_failure=on_failure)
        session.writer = writer
        await asyncio.to_thread(session._restore_sensors, writer)
        for member in session.members.values():
            session.unpublished.put_nowait(member)
        _log.info("resuming session %s", writer.path.name)
        return session

    @property
    def addresses(self) -> set[str]:
        """Addresses of the sensors that take part."""
        return {member.sensor.address for member in self.members.values()}

    async def add_sensor(self, found: FoundSensor) -> SessionMember:
        """Add a sensor to the session, and to its file if there is one."""
        name = self._choose_id(found)
        placement = self._options.placement(name, found.name, found.address)
        sensor = SessionSensor(
            len(self.members) + 1, name, found.name, found.address, CWS.name, placement.side, placement.muscle
        )
        if self.writer is not None:
            sensor = await self._add_to_file(self.writer, sensor)
        member = SessionMember(sensor, self._new_reception(sensor))
        self.members[name] = member
        if self.writer is not None:
            self.unpublished.put_nowait(member)
        return member

    async def ensure_file(self, origin: Origin) -> SessionWriter:
        """Create the file if there is none yet.

        Raises:
            UnavailableError: It cannot be written.
        """
        if self.writer is None:
            writer = await asyncio.to_thread(SessionWriter.create, self._options.sessions_dir, self._make_head(origin))
            for member in self.members.values():
                member.sensor = await self._add_to_file(writer, member.sensor)
            self.writer = writer
            for member in self.members.values():
                self.unpublished.put_nowait(member)
            _log.info("recording %s", writer.path)
        return self.writer

    async def next_publisher(self) -> Publisher:
        """Return a publisher for the next sensor without one; waits until there is one and the file is created."""
        member = await self.unpublished.get()
        assert self.writer is not None
        history = SensorHistory(find_profile(member.sensor.profile), self._anchors)
        reception = member.reception
        head = self.writer.head
        translator = RecordTranslator(head, member.sensor, history, lambda: reception.identity.get("firmware", ""))
        publisher = Publisher(
            translator, self.writer, self.recorder, sensor_key=member.sensor.key, utc_ns=self.clock.utc_ns
        )
        await asyncio.to_thread(publisher.restore)
        member.publisher = publisher
        return publisher

    def _make_head(self, origin: Origin) -> SessionHead:
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

    def _restore_sensors(self, writer: SessionWriter) -> None:
        """Restore what the killed process knew of each sensor, from all records of the file."""
        with SessionReader(writer.path) as reader:
            for sensor in reader.sensors():
                reception = self._new_reception(sensor)
                self.members[sensor.sensor] = SessionMember(sensor, reception)
                for record in reader.records(sensor.key):
                    reception.update(record)

    def _new_reception(self, sensor: SessionSensor) -> Reception:
        history = SensorHistory(find_profile(sensor.profile), self._anchors)
        return Reception(sensor.key, history, self.recorder, self.clock)

    async def _add_to_file(self, writer: SessionWriter, sensor: SessionSensor) -> SessionSensor:
        return await self.recorder.run_between_batches(
            lambda: writer.add_sensor(
                sensor.sensor,
                name=sensor.name,
                address=sensor.address,
                profile=sensor.profile,
                side=sensor.side,
                muscle=sensor.muscle,
            )
        )

    def _choose_id(self, found: FoundSensor) -> str:
        """Return an id for the sensor: its name, with part of its address if another sensor has that name."""
        try:
            name = sensor_id(found.name)
        except FrameError:
            name = sensor_id(found.address)
        if name not in self.members:
            return name
        return f"{name[:27]}-{sensor_id(found.address).replace('-', '')[-4:]}"


def _resume_newest(options: CollectorOptions) -> tuple[SessionWriter | None, dict[int, Anchor] | None]:
    """Reopen the newest unfinished session if it is recent enough; end older ones at their last record.

    Returns:
        The writer and the anchors of the earlier epochs; both None if there is nothing to resume.
    """
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
            _end_session(summary.path, summary.last_utc_ns)
            continue
        anchor = resumed_anchor(
            anchors[last.epoch], last_mono_ns=last.mono_ns, last_wall_ns=last.utc_ns, speed=options.speed
        )
        return SessionWriter.resume(summary.path, anchor=anchor), anchors
    return None, None


def _end_session(path: Path, last_utc_ns: int) -> None:
    try:
        SessionWriter.resume(path).close(last_utc_ns)
    except CrampwatchError as error:
        _log.warning("%s", error)
