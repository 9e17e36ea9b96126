"""bleak's own BlueZ backend against the simulated sensor, through a stand-in for bluetoothd on a private D-Bus."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from crampwatch.firmware_sim.radio.options import SensorOptions, SimulatorOptions
from crampwatch.firmware_sim.radio.service import Simulator
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol.control import Opcode, Reply, Request, Status, stream_mask
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.gatt import CONTROL, CWS_SERVICE, DATA, INFO
from crampwatch.protocol.info import Info
from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus
from lanes import require_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ exists on Linux only")


@contextlib.asynccontextmanager
async def _program(*command: str, ready: bytes | None = None) -> AsyncIterator[bytes]:
    """Run a program while the block runs; gives its first line of output, which must contain ``ready``."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
        assert (ready or b"") in line
        yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def bluez(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """A simulated sensor in the air, and BlueZ on the system bus that this process sees."""
    dbus = require_program("dbus-daemon", "dbus")
    sensor = SensorOptions("CW-B1UE", partial(scenario, "quiet", seed=1))
    simulator = Simulator(SimulatorOptions((sensor,), listen="127.0.0.1:0"))
    address = await simulator.start()
    try:
        async with _program(str(dbus), "--session", "--nofork", "--nosyslog", "--print-address=1") as line:
            bus_address = line.decode().strip()
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_address)
            daemon = str(Path(__file__).with_name("bluez_daemon.py"))
            keystore = str(tmp_path / "bonds.json")
            async with _program(sys.executable, daemon, bus_address, f"tcp-client:{address}", keystore, ready=b"ready"):
                yield simulator
    finally:
        await simulator.stop()


@contextlib.asynccontextmanager
async def _agent() -> AsyncIterator[None]:
    """The least a pairing agent is: its registration."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.call(
        Message(
            destination="org.bluez",
            path="/org/bluez",
            interface="org.bluez.AgentManager1",
            member="RegisterAgent",
            signature="os",
            body=["/agent", "NoInputNoOutput"],
        )
    )
    try:
        yield
    finally:
        bus.disconnect()


@pytest.mark.parametrize("use_start_notify", [True, False], ids=["StartNotify", "AcquireNotify"])
async def test_a_sensor_streams_through_bluez(bluez: Simulator, use_start_notify: bool) -> None:
    assert bluez.address
    device = await BleakScanner.find_device_by_filter(
        lambda _device, advertised: CWS_SERVICE in advertised.service_uuids, timeout=15
    )
    assert device is not None
    assert device.name == "CW-B1UE"
    frames: asyncio.Queue[Frame] = asyncio.Queue()
    replies: asyncio.Queue[Reply] = asyncio.Queue()
    async with _agent(), BleakClient(device, pair=True) as client:
        info = Info.decode(bytes(await client.read_gatt_char(INFO)))
        await client.start_notify(CONTROL, lambda _, value: replies.put_nowait(Reply.decode(bytes(value))))
        await client.start_notify(
            DATA,
            lambda _, value: frames.put_nowait(Frame.decode(bytes(value))),
            bluez={"use_start_notify": use_start_notify},
        )
        start = Request(Opcode.START, 1, stream_mask((info.streams[0].stream,)))
        await client.write_gatt_char(CONTROL, start.encode(), response=True)
        async with asyncio.timeout(15):
            assert (await replies.get()).status is Status.SUCCESS
            got = [await frames.get() for _ in range(20)]
    width = info.streams[0].channels * info.streams[0].format.octets
    assert [frame.first_index for frame in got[1:]] == [
        frame.first_index + len(frame.payload) // width for frame in got[:-1]
    ]


async def test_pairing_without_an_agent_is_refused_as_bluez_does(bluez: Simulator) -> None:
    assert bluez.address
    device = await BleakScanner.find_device_by_name("CW-B1UE", timeout=15)
    assert device is not None
    with pytest.raises(Exception, match="AuthenticationFailed"):
        async with BleakClient(device, pair=True):
            pass
