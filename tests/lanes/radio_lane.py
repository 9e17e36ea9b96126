"""Lane A: bleak and a simulated sensor on the virtual radio, nothing but Python needed.

Run as a program it is the simulator in a process of its own, to be killed by tests.
"""

import asyncio
import itertools
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter
from crampwatch.collector.ble.bumble_backend.bleak_arguments import client_arguments, scanner_arguments
from crampwatch.firmware_sim.radio.options import SensorOptions, SimulatorOptions
from crampwatch.firmware_sim.radio.service import Simulator, run
from crampwatch.protocol import gatt
from crampwatch.protocol.control import Backfill, BackfillDone, Opcode, Reply, Request, Status, stream_mask
from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.frame import Frame, decode_samples
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.recordings.truth import TruthEvent
from lanes.patience import PATIENCE_S
from numpy.typing import NDArray

LSB_UV = 0.25
BRISK = 4.0
"""Sensors live and connection events come so many times faster than in real time, unless a test is about real time."""


class Ramp:
    """A signal whose every sample tells its own index: count = index modulo 30,000, negated on odd channels."""

    def __init__(
        self,
        *,
        duration_samples: int | None = None,
        missing: range = range(0),
        off_s: tuple[float, float] = (0.0, 0.0),
        rate_hz: float = 1000.0,
        channels: int = 2,
    ) -> None:
        self.stream = StreamDescription(
            1, StreamKind.EMG, channels, SampleFormat.INT16, rate_hz, LSB_UV * 1e-6, band_hz=(20.0, 450.0)
        )
        self.temperature_rate_hz = 1.0
        self.duration_samples = duration_samples
        self.truth: tuple[TruthEvent, ...] = ()
        self._missing = missing
        self._off_s = off_s

    def read(self, first_index: int, count: int) -> NDArray[np.float64]:
        end = first_index + count if self.duration_samples is None else min(first_index + count, self.duration_samples)
        samples_uv: NDArray[np.float64] = np.multiply(
            ramp(first_index, end - first_index, self.stream.channels), LSB_UV, dtype=np.float64
        )
        gone = range(max(self._missing.start, first_index), min(self._missing.stop, end))
        samples_uv[gone.start - first_index : max(gone.stop, gone.start) - first_index] = np.nan
        return samples_uv

    def temperature_c(self, first_index: int, count: int) -> NDArray[np.float64]:
        return np.arange(first_index, first_index + count, dtype=np.float64) / 100 + 30.0

    def contact(self, t_s: float) -> tuple[bool, ...]:
        begin_s, end_s = self._off_s
        return (not begin_s <= t_s < end_s, *(True,) * (self.stream.channels - 1))


def ramp(first_index: int, count: int, channels: int = 2) -> NDArray[np.float64]:
    """Return the counts a :class:`Ramp` must give, shape (count, channels)."""
    index = np.arange(first_index, first_index + count) % 30_000
    return np.stack([index if n % 2 == 0 else -index for n in range(channels)], axis=1).astype(np.float64)


def sensor(name: str = "CW-0001", source: Callable[[], Ramp] = Ramp, **options: object) -> SensorOptions:
    """Return a sensor that streams a ramp."""
    return SensorOptions(name=name, source=source, **options)  # type: ignore[arg-type]  # the keywords are its own


@asynccontextmanager
async def simulator(
    *sensors: SensorOptions, speed: float = BRISK, bonds: Path | None = None, listen: str = "127.0.0.1:0"
) -> AsyncIterator[Simulator]:
    """Run a simulator in this process."""
    one = Simulator(SimulatorOptions(sensors or (sensor(),), listen=listen, speed=speed, bond_path=bonds))
    try:
        await one.start()
        yield one
    finally:
        await one.stop()


@asynccontextmanager
async def adapter(address: str, bonds: Path | None = None) -> AsyncIterator[BumbleAdapter]:
    """Open the virtual radio a simulator listens on."""
    async with BumbleAdapter(f"tcp-client:{address}", bonds) as one:
        yield one


@asynccontextmanager
async def process(what: str, *arguments: str) -> AsyncIterator[tuple[Process, asyncio.StreamReader]]:
    """Run ``simulate LISTEN BONDS`` or ``collect ADDRESS BONDS`` in a process; yields it and what it says."""
    one = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lanes.radio_lane",
        what,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert one.stdout is not None
    try:
        yield one, one.stdout
    finally:
        if one.returncode is None:
            one.kill()
        await one.wait()


async def find(bumble: BumbleAdapter, name: str = "CW-0001") -> BLEDevice:
    """Scan for a sensor."""
    device = await BleakScanner.find_device_by_name(name, timeout=PATIENCE_S, **scanner_arguments(bumble))
    assert device is not None, f"{name} was not found"
    return device


class Host:
    """A connected sensor, with everything it has notified.

    Args:
        client: Connected.
        gone: Set when the connection ends.
    """

    def __init__(self, client: BleakClient, gone: asyncio.Event) -> None:
        self.client = client
        self.gone = gone
        self.live: list[bytes] = []
        self.stored: list[bytes] = []
        self.events: list[SensorEvent] = []
        self.temperatures: list[bytes] = []
        self._replies: asyncio.Queue[Reply] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._token = 0

    async def subscribe(self) -> None:
        """Subscribe to all a collector needs."""

        def noting(keep: Callable[[bytes], None]) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
            def note(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
                keep(bytes(value))
                self._changed.set()

            return note

        keepers: dict[str, Callable[[bytes], None]] = {
            gatt.CONTROL: lambda value: self._replies.put_nowait(Reply.decode(value)),
            gatt.DATA: self.live.append,
            gatt.STORED_DATA: self.stored.append,
            gatt.EVENT: lambda value: self.events.append(SensorEvent.decode(value)),
            gatt.TEMPERATURE: self.temperatures.append,
        }
        for uuid, keep in keepers.items():
            await self.client.start_notify(uuid, noting(keep))

    async def ask(self, opcode: int, params: bytes = b"") -> Reply:
        """Send a request and return its reply."""
        self._token = (self._token + 1) % 256
        request = Request(opcode, self._token, params)
        await self.client.write_gatt_char(gatt.CONTROL, request.encode(), response=True)
        reply = await self.reply()
        assert (reply.opcode, reply.token, reply.done) == (opcode, self._token, False)
        return reply

    async def reply(self) -> Reply:
        """Return the next indication."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._replies.get()

    async def start(self) -> None:
        """Start the stream."""
        reply = await self.ask(Opcode.START, stream_mask((1,)))
        assert reply.status is Status.SUCCESS

    async def backfill(self, first_index: int, count: int) -> tuple[Backfill, BackfillDone]:
        """Fetch stored samples; returns what was promised and what was sent."""
        reply = await self.ask(Opcode.BACKFILL, Backfill(1, first_index, count).encode())
        assert reply.status is Status.SUCCESS, reply
        done = await self.reply()
        assert done.done
        assert done.status is Status.SUCCESS
        counts = BackfillDone.decode(done.params)
        await self.until(lambda: len(self.stored) >= counts.frames)
        return Backfill.decode(reply.params), counts

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until notifications have made a condition true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def host(bumble: BumbleAdapter, device: BLEDevice | str, *, pair: bool = True) -> AsyncIterator[Host]:
    """Connect, pair and subscribe."""
    gone = asyncio.Event()
    client = BleakClient(device, lambda _client: gone.set(), timeout=PATIENCE_S, pair=pair, **client_arguments(bumble))
    async with client:
        one = Host(client, gone)
        await one.subscribe()
        yield one


@asynccontextmanager
async def connected(*sensors: SensorOptions, speed: float = BRISK) -> AsyncIterator[tuple[Simulator, Host]]:
    """Run a simulator and connect to its CW-0001."""
    async with (
        simulator(*sensors, speed=speed) as sim,
        adapter(sim.address) as bumble,
        host(bumble, await find(bumble)) as one,
    ):
        yield sim, one


def indices(packets: list[bytes]) -> list[int]:
    """Return the index of every sample, in order of arrival, having checked each against the ramp."""
    found: list[int] = []
    for packet in packets:
        frame = Frame.decode(packet)
        counts = decode_samples(frame.payload, channels=2, form=SampleFormat.INT16)
        np.testing.assert_array_equal(counts, ramp(frame.first_index, len(counts)))
        found.extend(range(frame.first_index, frame.first_index + len(counts)))
    return found


async def _simulate(listen: str, bonds: str) -> None:
    """Simulate a sensor until killed; says where."""
    options = SimulatorOptions((sensor(),), listen=listen, bond_path=Path(bonds))
    await run(options, stop=asyncio.Event(), ready=_say)


async def _collect(address: str, bonds: str) -> None:
    """Stream until killed; says the last index of each frame."""
    async with adapter(address, Path(bonds)) as bumble, host(bumble, await find(bumble)) as one:
        await one.start()
        for count in itertools.count(1):
            await one.until(lambda count=count: len(one.live) >= count)  # type: ignore[misc]  # a default binds it
            _say(str(indices(one.live[count - 1 : count])[-1]))


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run({"simulate": _simulate, "collect": _collect}[sys.argv[1]](*sys.argv[2:]))
