"""Keeps one sensor connected: connect, stream, fetch what was missed, reconnect, until cancelled.

The life of a link::

    advertised -> connect and encrypt -> info -> subscribe -> sync -> start -> stream and backfill --+
        ^                                                                                            |
        +-------------------- pause (grows, capped, jittered) <---------- lost, silent or refused ---+

* **Advertised.** Connecting starts only when the sensor has advertised since the last attempt: an attempt without a
sensor
  in reach blocks the adapter for 20 s, and other sensors wait.
* **Info before anything else.** It holds the boot id: samples of different boots must never be joined.
* **Subscribe before start**, or the beginning of the stream would be lost.
* **Sync.** The sensor's clock is bounded by round trips: it was read some time between request and reply. Several are
made
  at once, then one a minute.
* **Stream and backfill.** Live frames arrive as notifications. At each connection, and whenever a gap shows, the ring
  buffer is read and missing samples are requested from it.
* **Lost, silent or refused.** Whatever ends a connection, the answer is the same: record why, pause, start again.
Silence
  for 5 s while a stream should run ends a connection that the controller still believes in.

Invariants: everything received goes to the listener first, as a record, before anything is derived from it. Each
attempt has a new client, since a client of bleak cannot be used again after a failure ("already connected"). Every
recorded connection is followed by a recorded disconnection.
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
from crampwatch.collector.policy.watchdog import SILENCE_LIMIT_S, SilenceWatchdog
from crampwatch.protocol.control import Backfill, RingReport
from crampwatch.protocol.errors import CommandRefusedError, PeerError
from crampwatch.protocol.gatt import CONTROL
from crampwatch.protocol.info import Info
from crampwatch.protocol.record_payloads import Connected, Disconnected, SignalStrength
from crampwatch.protocol.records import RecordKind

__all__ = ["Link", "LinkListener", "Sightings"]

SYNC_INTERVAL_S: Final = 60.0
"""A crystal that is off by 50 ppm drifts 3 ms in a minute, less than a round trip takes."""
RSSI_INTERVAL_S: Final = 10.0
SETTLE_SYNCS: Final = 8
"""Round trips measured at once after connecting: the shortest of several is a tight bound."""
SYNC_SPREAD_S: Final = 0.03
"""Longest random pause before each of these round trips: a connection interval. A request waits for the next connection
event. One made right after the last reply always waits for a whole interval; at random moments, some wait for nearly
nothing, and bound the sensor's clock from that side too."""
GOOD_CONNECTION_S: Final = 30.0
"""A connection that lasted this long was a good one: the pauses after it start short again."""
BACKFILL_RETRY_S: Final = 2.0
"""Least time between two looks at the ring buffers: gaps come in bursts."""
ATT_HEADER_BYTES: Final = 3
"""Opcode and handle of an ATT write, which count towards the MTU."""
_log: Final = logging.getLogger(__name__)


class LinkListener(Protocol):
    """Receives everything that happens on a link: the recorder and the assembly of one sensor."""

    gap: asyncio.Event
    """Set when samples are found missing while streaming."""
    ended: asyncio.Event
    """Set when the sensor has no more samples to send, as at the end of a replay."""

    def on_record(self, kind: RecordKind, payload: bytes) -> None:
        """Handle what arrived, or what happened on the link."""

    def on_info(self, info: Info, identity: dict[str, str]) -> None:
        """Handle the description of the sensor, which is read at every connection."""

    def plan_backfill(self, rings: RingReport) -> list[Backfill]:
        """Return requests for missing samples that the sensor still holds, oldest first; record those that are lost."""


class Sightings:
    """The latest advertisement of every sensor; one long-lived scanner adds them, and all links wait for them."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[float, FoundSensor]] = {}
        self._changed = asyncio.Condition()
        self._wakers: set[asyncio.Task[None]] = set()

    def add(self, sensor: FoundSensor) -> None:
        """Add an advertisement, and wake all who wait for one."""
        self._latest[sensor.address] = (time.monotonic(), sensor)
        waker = asyncio.get_running_loop().create_task(self._wake_waiters())
        self._wakers.add(waker)
        waker.add_done_callback(self._wakers.discard)

    def all_found(self) -> list[FoundSensor]:
        """Return all sensors found so far."""
        return [sensor for _, sensor in self._latest.values()]

    async def wait_for(self, address: str, *, since_s: float) -> FoundSensor:
        """Return the latest advertisement of a sensor once it is not older than `since_s` (monotonic time)."""
        async with self._changed:
            while address not in self._latest or self._latest[address][0] < since_s:
                await self._changed.wait()
        return self._latest[address][1]

    async def wait_for_any(self) -> None:
        """Return at the next advertisement of any sensor."""
        async with self._changed:
            await self._changed.wait()

    async def _wake_waiters(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Link:
    """Keeps one sensor connected.

    Args:
        radio: The adapter to connect with.
        sightings: Advertisements of all sensors.
        address: Address of the sensor.
        listener: Receives everything that happens.
        monotonic_ns: The session's clock; it may run faster than real time.
    """

    def __init__(
        self,
        radio: Radio,
        sightings: Sightings,
        address: str,
        listener: LinkListener,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._radio = radio
        self._sightings = sightings
        self._address = address
        self._listener = listener
        self._monotonic_ns = monotonic_ns
        self._lost = asyncio.Event()
        self._is_connected = False
        self._watchdog = SilenceWatchdog(0.0)

    async def run(self) -> None:
        """Connect, stream and reconnect until cancelled."""
        pauses = Backoff(random.random)
        since_s = 0.0
        while True:
            sensor = await self._sightings.wait_for(self._address, since_s=since_s)
            started_s = time.monotonic()
            _log.info("%s: %s", sensor.name, await self._run_connection(sensor.device))
            if time.monotonic() - started_s > GOOD_CONNECTION_S:
                pauses.reset()
            since_s = time.monotonic()
            await asyncio.sleep(pauses.next_pause_s())

    async def _run_connection(self, device: BLEDevice) -> str:
        """Run one connection and record its end; return why it ended."""
        self._lost = asyncio.Event()
        self._is_connected = False
        reason = "stopped"
        try:
            reason = await self._connect_and_stream(device, self._lost)
        finally:
            if self._is_connected:
                self._listener.on_record(RecordKind.DISCONNECTED, Disconnected(reason).encode())
        return reason

    async def _connect_and_stream(self, device: BLEDevice, lost: asyncio.Event) -> str:
        try:
            async with AsyncExitStack() as stack:
                client = self._radio.client(device, lost.set)
                async with self._radio.connect_lock:
                    await stack.enter_async_context(client)
                await self._stream(client)
        except (BleakError, PeerError, TimeoutError, OSError, EOFError) as error:
            # EOFError and OSError: bluetoothd or the controller's transport died in the middle of a call.
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return "out of reach" if lost.is_set() else f"silent for {SILENCE_LIMIT_S:g} s"

    async def _stream(self, client: BleakClient) -> None:
        self._is_connected = True
        self._listener.on_record(RecordKind.CONNECTED, _describe_connection(client))
        sensor = SensorClient(client, self._on_record, monotonic_ns=self._monotonic_ns)
        identity = await sensor.read_identity()
        info = await sensor.read_info()
        self._listener.on_info(info, identity)
        await sensor.subscribe()
        for _ in range(SETTLE_SYNCS):
            await asyncio.sleep(random.uniform(0, SYNC_SPREAD_S))  # noqa: S311 - a moment, not a secret
            await sensor.sync()
        if not self._listener.ended.is_set():
            await sensor.start_streams(tuple(stream.stream for stream in info.streams))
        self._watchdog = SilenceWatchdog(time.monotonic())
        tasks = [
            asyncio.create_task(piece)
            for piece in (
                self._lost.wait(),
                self._wait_for_silence(),
                self._measure_regularly(sensor),
                self._fetch_missing(sensor),
            )
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
            self._watchdog.note_samples(time.monotonic())
        self._listener.on_record(kind, payload)

    async def _wait_for_silence(self) -> None:
        """Return when the stream has been silent for too long."""
        while not self._watchdog.has_expired(time.monotonic()) or self._listener.ended.is_set():  # noqa: ASYNC110  # 18 events a second would cost more
            await asyncio.sleep(max(self._watchdog.expires_at_s() - time.monotonic(), SILENCE_LIMIT_S / 5))

    async def _measure_regularly(self, sensor: SensorClient) -> None:
        """Measure the signal strength and, less often, the sensor's clock, until cancelled."""
        for count in itertools.count(1):
            rssi_dbm = await self._radio.rssi_dbm(self._address)
            if rssi_dbm is not None:
                self._listener.on_record(RecordKind.RSSI, SignalStrength(rssi_dbm).encode())
            await asyncio.sleep(RSSI_INTERVAL_S)
            if count % round(SYNC_INTERVAL_S / RSSI_INTERVAL_S) == 0:
                await sensor.sync()

    async def _fetch_missing(self, sensor: SensorClient) -> None:
        """Fetch missing samples, oldest first, at once and whenever a gap is noticed, until cancelled."""
        while True:
            self._listener.gap.clear()
            for request in self._listener.plan_backfill(await sensor.read_rings()):
                with suppress(CommandRefusedError):  # overwritten meanwhile: the next look at the rings shows it
                    await sensor.backfill(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(SYNC_INTERVAL_S):
                    await self._listener.gap.wait()
            await asyncio.sleep(BACKFILL_RETRY_S)


def _describe_connection(client: BleakClient) -> bytes:
    """Return the record of a new connection; BlueZ does not report the MTU, but the payload that fits in it."""
    control = client.services.get_characteristic(CONTROL)
    mtu = None if control is None else control.max_write_without_response_size + ATT_HEADER_BYTES
    return Connected(client.address, mtu).encode()
