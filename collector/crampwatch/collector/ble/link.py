"""One sensor's life over the radio: heard, connected, streaming, backfilled, lost, and again, for ever.

::

    heard -> connect and encrypt -> info -> subscribe -> sync -> start -> stream and backfill --+
      ^                                                                                         |
      +-------------------- pause (grows, capped, jittered) <-------- lost, silent or refused --+

Everything received goes to the listener first, as a record. Each attempt has a new client: a failed one says "already
connected" for ever. Silence for 5 s while a stream should run ends a connection that the radio still believes in.
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Final, Protocol

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from crampwatch.collector.ble.adapter import FoundSensor, Radio
from crampwatch.collector.ble.sensor_client import SensorClient
from crampwatch.collector.policy.reconnection import Backoff
from crampwatch.collector.policy.watchdog import SILENCE_S, Silence
from crampwatch.protocol.control import Backfill, RingReport
from crampwatch.protocol.errors import CommandRefusedError, PeerError
from crampwatch.protocol.gatt import CONTROL
from crampwatch.protocol.info import Info
from crampwatch.protocol.record_payloads import Connected, Disconnected, SignalStrength
from crampwatch.protocol.records import RecordKind

__all__ = ["Link", "Listener", "Sightings"]

SYNC_INTERVAL_S: Final = 60.0
RSSI_INTERVAL_S: Final = 10.0
SETTLE_SYNCS: Final = 8
"""Round trips measured at once after connecting: the shortest of several is a good one."""
SYNC_SPREAD_S: Final = 0.03
"""A request waits for the next connection event. One made right after another's answer always waits for a whole
interval; at random moments, some wait for nearly nothing, and bound the sensor's clock from that side."""
GOOD_CONNECTION_S: Final = 30.0
"""A connection that lasted this long was a good one: after it the pauses begin small again."""
BACKFILL_RETRY_S: Final = 2.0
ATT_HEADER_OCTETS: Final = 3
_log: Final = logging.getLogger(__name__)


class Listener(Protocol):
    """What a link reports to: the recorder and the assembly of one sensor."""

    gap: asyncio.Event
    """Set when samples were found missing while streaming."""
    ended: asyncio.Event
    """Set when the sensor has no more samples to give, as at the end of a replay."""

    def on_record(self, kind: RecordKind, payload: bytes) -> None:
        """Take what arrived, or what happened."""

    def on_info(self, info: Info, identity: dict[str, str]) -> None:
        """Learn who the sensor is, at every connection."""

    def missing(self, rings: RingReport) -> list[Backfill]:
        """Return what the sensor can still give of what is missing, oldest first; note what nobody holds any more."""


class Sightings:
    """The latest advertisement of every sensor, fed by one long-lived scanner."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[float, FoundSensor]] = {}
        self._news = asyncio.Condition()
        self._wakers: set[asyncio.Task[None]] = set()

    def take(self, sensor: FoundSensor) -> None:
        """Note an advertisement."""
        self._heard[sensor.address] = (time.monotonic(), sensor)
        waker = asyncio.get_running_loop().create_task(self._wake())
        self._wakers.add(waker)
        waker.add_done_callback(self._wakers.discard)

    def known(self) -> list[FoundSensor]:
        """Return all sensors heard so far."""
        return [sensor for _, sensor in self._heard.values()]

    async def next(self, address: str, *, since_s: float) -> FoundSensor:
        """Return an advertisement of a sensor that is not older than a monotonic time."""
        async with self._news:
            while address not in self._heard or self._heard[address][0] < since_s:
                await self._news.wait()
        return self._heard[address][1]

    async def changed(self) -> None:
        """Return at the next advertisement of any sensor."""
        async with self._news:
            await self._news.wait()

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()


class Link:
    """Keeps one sensor connected, for ever.

    Args:
        radio: The adapter.
        sightings: Tell when the sensor advertises.
        address: Which sensor.
        listener: What everything is reported to.
        monotonic_ns: The session's clock; it may run faster than real time.
    """

    def __init__(
        self,
        radio: Radio,
        sightings: Sightings,
        address: str,
        listener: Listener,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._radio = radio
        self._sightings = sightings
        self._address = address
        self._listener = listener
        self._monotonic_ns = monotonic_ns
        self._lost = asyncio.Event()
        self._is_met = False
        self._silence = Silence(0.0)

    async def run(self) -> None:
        """Connect, stream and reconnect until cancelled."""
        pauses = Backoff(random.random)
        since_s = 0.0
        while True:
            sensor = await self._sightings.next(self._address, since_s=since_s)
            began_s = time.monotonic()
            _log.info("%s: %s", sensor.name, await self._attempt(sensor.device))
            if time.monotonic() - began_s > GOOD_CONNECTION_S:
                pauses.succeeded()
            since_s = time.monotonic()
            await asyncio.sleep(pauses.failed())

    async def _attempt(self, device: BLEDevice) -> str:
        """Live through one connection, and record its end; returns why it ended."""
        self._lost = asyncio.Event()
        self._is_met = False
        reason = "stopped"
        try:
            reason = await self._connection(device, self._lost)
        finally:
            if self._is_met:
                self._listener.on_record(RecordKind.DISCONNECTED, Disconnected(reason).encode())
        return reason

    async def _connection(self, device: BLEDevice, lost: asyncio.Event) -> str:
        try:
            async with AsyncExitStack() as stack:
                client = self._radio.client(device, lost.set)
                async with self._radio.connecting:
                    await stack.enter_async_context(client)
                await self._converse(client)
        except (BleakError, PeerError, TimeoutError, OSError, EOFError) as error:
            # EOFError and OSError: bluetoothd or the controller's transport died in the middle of a call.
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return "out of reach" if lost.is_set() else f"silent for {SILENCE_S:g} s"

    async def _converse(self, client: BleakClient) -> None:
        self._is_met = True
        self._listener.on_record(RecordKind.CONNECTED, _meeting(client))
        sensor = SensorClient(client, self._on_record, monotonic_ns=self._monotonic_ns)
        identity = await sensor.identity()
        info = await sensor.info()
        self._listener.on_info(info, identity)
        await sensor.subscribe()
        for _ in range(SETTLE_SYNCS):
            await asyncio.sleep(random.uniform(0, SYNC_SPREAD_S))  # noqa: S311 - a moment, not a secret
            await sensor.sync()
        if not self._listener.ended.is_set():
            await sensor.start(tuple(stream.stream for stream in info.streams))
        self._silence = Silence(time.monotonic())
        tasks = [
            asyncio.create_task(piece)
            for piece in (self._lost.wait(), self._watch(), self._keep_time(sensor), self._fetch_missing(sensor))
        ]
        try:
            await sensor.read_vitals()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def _on_record(self, kind: RecordKind, payload: bytes) -> None:
        if kind is RecordKind.DATA:
            self._silence.heard(time.monotonic())
        self._listener.on_record(kind, payload)

    async def _watch(self) -> None:
        """Return when the stream has been silent for too long."""
        while not self._silence.has_lasted(time.monotonic()) or self._listener.ended.is_set():  # noqa: ASYNC110  # 18 events a second would cost more
            await asyncio.sleep(max(self._silence.due_s() - time.monotonic(), SILENCE_S / 5))

    async def _keep_time(self, sensor: SensorClient) -> None:
        for count in itertools.count(1):
            rssi_dbm = await self._radio.rssi_dbm(self._address)
            if rssi_dbm is not None:
                self._listener.on_record(RecordKind.RSSI, SignalStrength(rssi_dbm).encode())
            await asyncio.sleep(RSSI_INTERVAL_S)
            if count % round(SYNC_INTERVAL_S / RSSI_INTERVAL_S) == 0:
                await sensor.sync()

    async def _fetch_missing(self, sensor: SensorClient) -> None:
        """Fetch what was missed, oldest first, at every connection and whenever a gap is noticed."""
        while True:
            self._listener.gap.clear()
            for wanted in self._listener.missing(await sensor.rings()):
                with suppress(CommandRefusedError):  # overwritten meanwhile: the next look at the rings will tell
                    await sensor.backfill(wanted)
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_INTERVAL_S):
                    await self._listener.gap.wait()
            await asyncio.sleep(BACKFILL_RETRY_S)


def _meeting(client: BleakClient) -> bytes:
    """Return who was met and how much a packet carries: BlueZ does not tell the MTU, but what fits below it."""
    control = client.services.get_characteristic(CONTROL)
    mtu = None if control is None else control.max_write_without_response_size + ATT_HEADER_OCTETS
    return Connected(client.address, mtu).encode()
