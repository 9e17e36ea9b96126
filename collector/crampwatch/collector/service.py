"""The collector as a service: records every sensor in reach to one session file, and publishes from there."""

import asyncio
import itertools
import logging
import shutil
from contextlib import suppress
from typing import Final

from crampwatch.bus.client import Bus, publish_message
from crampwatch.bus.service import ServiceShell, TaskSet
from crampwatch.collector.ble.adapter import RADIO_ERRORS, FoundSensor, Radio, open_radio, scan, unusable_adapter_error
from crampwatch.collector.ble.link import Link, Sightings
from crampwatch.collector.options import CollectorOptions
from crampwatch.collector.recording.reception import Reception
from crampwatch.collector.recording.session import Session, SessionMember
from crampwatch.protocol import messages
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.record_payloads import ClockStep
from crampwatch.protocol.records import RecordKind
from crampwatch.protocol.topics import Leaf

__all__ = ["CollectorOptions", "FoundSensor", "run", "scan"]

FAREWELL_S: Final = 0.8
"""For the links to disconnect, and again to publish the rest: together below the 2 s that a stage has to end."""
_SCAN_RETRY_S: Final = 2.0
_SCAN_RENEWAL_S: Final = 30.0
"""A scan that finds nothing for this long, while a sensor is missing, may have died with its adapter."""
_ENDED_S: Final = 0.25
_FETCH_S: Final = 30.0
_DISK_S: Final = 30.0
_DISK_LOW_OCTETS: Final = 500_000_000
"""Three nights of one sensor."""
_CLOCK_S: Final = 10.0
_PRESENCE_S: Final = 30.0
_CLOCK_STEP_NS: Final = 100_000_000
_log: Final = logging.getLogger(__name__)


async def run(options: CollectorOptions, *, stop: asyncio.Event) -> None:
    """Record and publish until `stop` is set; then end the session.

    Raises:
        UnavailableError: No usable adapter, the session cannot be written, or the broker refuses the login.
        ConfigurationError: The options cannot work.
    """
    options.validate()
    async with open_radio(options.adapter, bonds=options.bonds) as radio:
        service = _Service(options, radio)
        await service.open()
        try:
            await service.live(stop)
        finally:
            await service.close()


class _Service:
    """Everything that runs, and the order in which it ends."""

    def __init__(self, options: CollectorOptions, radio: Radio) -> None:
        self._options = options
        self._radio = radio
        self._sightings = Sightings()
        self._session: Session
        self._ended_ns: int | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._notices: asyncio.Queue[messages.Notice] = asyncio.Queue()

    async def open(self) -> None:
        self._session = await Session.resume_or_start(self._options, self._on_disk_failure)
        for member in self._session.members.values():
            self._start_link(member)

    async def live(self, stop: asyncio.Event) -> None:
        """Run until stopped, until the streams have ended if that was requested, or until something fails."""
        async with TaskSet() as tasks:
            tasks.start(stop.wait())
            for work in (self._scan, self._discover, self._record, self._publish, self._watch_disk, self._watch_clock):
                tasks.start(work())
            if self._options.ends_with_streams:
                tasks.start(self._wait_ended())
            try:
                await tasks.first_ended()
                self._ended_ns = self._session.clock.utc_ns()
            finally:
                await self._end_links()  # while the recorder still takes down how they end

    async def close(self) -> None:
        """Let go of the file; the session has ended, unless something failed: then it can be gone on with."""
        writer = self._session.writer
        if writer is None:
            return
        is_written = await self._session.recorder.flush(writer)
        for member in self._session.members.values():
            if member.publisher is not None:
                member.publisher.close()
        await asyncio.to_thread(writer.close, self._ended_ns if is_written else None)

    def _start_link(self, member: SessionMember) -> None:
        task = asyncio.create_task(self._keep_linked(member), name=f"link {member.sensor.sensor}")
        self._links.add(task)

    async def _keep_linked(self, member: SessionMember) -> None:
        """Run a sensor's link; what goes wrong with one sensor is no reason to lose the others."""
        while True:
            link = Link(
                self._radio,
                self._sightings,
                member.sensor.address,
                member.reception,
                monotonic_ns=self._session.clock.mono_ns,
            )
            try:
                await link.run()
            except Exception:  # noqa: BLE001 - whatever a sensor, a driver or we did wrong: log it, and try again
                _log.exception("%s: the link failed", member.sensor.sensor)
                await asyncio.sleep(_SCAN_RETRY_S)

    async def _end_links(self) -> None:
        for task in self._links:
            task.cancel()
        if self._links:
            await asyncio.wait(self._links, timeout=FAREWELL_S)

    async def _scan(self) -> None:
        """Keep one scan running; sensors the system holds connected do not advertise and are looked up."""
        for attempt in itertools.count():
            try:
                async with self._radio.scanner(self._sightings.add):
                    for sensor in await self._radio.connected_sensors():
                        self._sightings.add(sensor)
                    await self._until_deaf()
            except RADIO_ERRORS as error:
                if attempt == 0 and "InProgress" not in str(error):
                    raise unusable_adapter_error(error) from error
                _log.warning("scanning failed and is tried again: %s", error)
                await asyncio.sleep(_SCAN_RETRY_S)

    async def _until_deaf(self) -> None:
        """Return when nothing has been received for long although a sensor is missing."""
        while True:
            try:
                async with asyncio.timeout(_SCAN_RENEWAL_S):
                    await self._sightings.wait_for_any()
            except TimeoutError:
                members = self._session.members.values()
                if not members or not all(member.reception.history.is_connected for member in members):
                    return

    async def _discover(self) -> None:
        while True:
            for found in self._sightings.all_found():
                is_new = found.address not in self._session.addresses
                if is_new and self._options.includes(found.name, found.address):
                    self._start_link(await self._session.add_sensor(found))
            await self._sightings.wait_for_any()

    async def _record(self) -> None:
        """Begin the file with the first sensor that says who it is, then write."""
        if self._session.writer is None:
            await self._session.ensure_file(await self._first_origin())
        assert self._session.writer is not None
        await self._session.recorder.run(self._session.writer)

    async def _first_origin(self) -> Origin:
        while True:
            for member in self._session.members.values():
                if member.reception.history.boot is not None:
                    return member.reception.history.boot.info.origin
            await asyncio.sleep(0.05)

    async def _publish(self) -> None:
        """Publish for as long as it runs; then, for a moment, what is left."""
        shell = ServiceShell(
            "collector",
            self._options.broker,
            client_id=self._options.client_id,
            version=self._options.software,
            detail=self._options.adapter or "",
            farewell_s=FAREWELL_S,
            before_offline=lambda: self._publish_rest(shell.bus),
            now_ns=self._session.clock.utc_ns,
        )
        async with shell, TaskSet() as tasks:
            tasks.start(self._publish_notices(shell.bus))
            tasks.start(self._publish_presence(shell))
            tasks.start(self._start_publishers(shell.bus, tasks))
            await tasks.first_ended()

    async def _start_publishers(self, bus: Bus, tasks: TaskSet) -> None:
        while True:
            publisher = await self._session.next_publisher()
            tasks.start(publisher.run(bus))

    async def _publish_rest(self, bus: Bus) -> None:
        """Publish what is recorded and not yet published, and that the sensors are offline."""
        session = self._session
        if session.writer is None or not bus.is_connected:
            return
        await session.recorder.flush(session.writer)
        now_ns = session.clock.utc_ns() if self._ended_ns is None else self._ended_ns
        publishers = [m.publisher for m in session.members.values() if m.publisher is not None]
        await asyncio.gather(
            *(publisher.publish_offline(bus, now_ns, is_ended=self._ended_ns is not None) for publisher in publishers)
        )

    async def _publish_notices(self, bus: Bus) -> None:
        while True:
            await publish_message(bus, await self._notices.get(), Leaf.NOTICE)

    async def _publish_presence(self, shell: ServiceShell) -> None:
        """Repeat the status now and then: another collector, for another room, may have published that it is gone."""
        while True:
            await asyncio.sleep(_PRESENCE_S)
            await shell.publish_online()

    async def _wait_ended(self) -> None:
        """Return when every sensor has reported its end, and missing samples have been fetched or are lost."""
        receptions: list[Reception] = []
        while not receptions or not all(one.ended.is_set() for one in receptions):
            await asyncio.sleep(_ENDED_S)
            receptions = [member.reception for member in self._session.members.values()]
        with suppress(TimeoutError):
            async with asyncio.timeout(_FETCH_S):
                while not all(one.is_complete for one in receptions):  # noqa: ASYNC110  # asked four times a second, once a session
                    await asyncio.sleep(_ENDED_S)

    async def _watch_disk(self) -> None:
        is_low = False
        while True:
            with suppress(OSError):
                folder = self._options.data_dir
                free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
                if free < _DISK_LOW_OCTETS and not is_low:
                    self._notify("warning", f"The disk of {folder} has {free / 1e6:.0f} MB left.")
                is_low = free < _DISK_LOW_OCTETS
            await asyncio.sleep(_DISK_S)

    async def _watch_clock(self) -> None:
        """Note when the wall clock moved against the monotonic one; no sample's time depends on it."""
        clock = self._session.clock
        last_ns = clock.wall_ns() - clock.utc_ns()
        while clock.is_real:
            await asyncio.sleep(_CLOCK_S)
            now_ns = clock.wall_ns() - clock.utc_ns()
            if abs(now_ns - last_ns) > _CLOCK_STEP_NS:
                self._session.recorder.record(0, RecordKind.CLOCK_STEP, ClockStep(now_ns - last_ns).encode())
            last_ns = now_ns
        await asyncio.Event().wait()

    def _on_disk_failure(self, error: UnavailableError) -> None:
        self._notify("alarm", str(error))

    def _notify(self, severity: messages.Severity, text: str) -> None:
        now_ns = self._session.clock.utc_ns()
        notice = messages.Notice(
            sensor="_collector",
            t_ns=now_ns,
            origin=Origin.LIVE,
            id=f"_collector-disk_low-{now_ns // 1_000_000}",
            severity=severity,
            code="disk_low",
            text=text[:500],
        )
        self._notices.put_nowait(notice)
