"""bleak's own BlueZ backend against the simulated sensor, through a stand-in for bluetoothd on a private D-Bus."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from crampwatch.collector.ble.adapter import FoundSensor, Radio, open_radio
from crampwatch.collector.ble.sensor_client import SensorClient
from crampwatch.firmware_sim.radio.service import Simulator
from crampwatch.protocol.control import Backfill
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.gatt import DATA
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import RecordKind
from lanes.bluez_lane import sensor_behind_bluez
from lanes.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ exists on Linux only")


@pytest.fixture
async def bluez(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with sensor_behind_bluez(tmp_path, monkeypatch) as simulator:
        yield simulator


async def test_the_collector_streams_through_bluez(bluez: Simulator) -> None:
    assert bluez.address
    frames: asyncio.Queue[Frame] = asyncio.Queue()
    kinds: set[RecordKind] = set()

    def on_record(kind: RecordKind, payload: bytes) -> None:
        kinds.add(kind)
        if kind is RecordKind.DATA:
            frames.put_nowait(Frame.decode(payload))

    async with open_radio(None) as radio, radio.client(await _find(radio), lambda: None) as client:
        sensor = SensorClient(client, on_record)
        assert (await sensor.read_identity())["serial"] == "CW-B1UE"
        info = await sensor.read_info()
        assert info.origin is Origin.DEMO
        await sensor.subscribe()
        await sensor.sync()
        await sensor.start_streams((info.streams[0].stream,))
        async with asyncio.timeout(PATIENCE_S):
            got = [await frames.get() for _ in range(20)]
        accepted, done = await sensor.backfill(Backfill(info.streams[0].stream, got[0].first_index, 500))
    width = info.streams[0].channels * info.streams[0].format.sample_bytes
    assert [frame.first_index for frame in got[1:]] == [
        frame.first_index + len(frame.payload) // width for frame in got[:-1]
    ]
    assert (accepted.count, done.samples) == (500, 500)
    assert kinds >= {RecordKind.INFO, RecordKind.SYNC, RecordKind.DATA, RecordKind.STORED_DATA}


async def test_notifications_by_file_descriptor_lose_nothing_either(bluez: Simulator) -> None:
    assert bluez.address
    frames: asyncio.Queue[Frame] = asyncio.Queue()
    async with open_radio(None) as radio, radio.client(await _find(radio), lambda: None) as client:
        sensor = SensorClient(client, lambda _kind, _payload: None)
        info = await sensor.read_info()
        await sensor.subscribe()
        await client.stop_notify(DATA)
        await client.start_notify(
            DATA,
            lambda _, value: frames.put_nowait(Frame.decode(bytes(value))),
            bluez={"use_start_notify": False},
        )
        await sensor.start_streams((info.streams[0].stream,))
        async with asyncio.timeout(PATIENCE_S):
            got = [await frames.get() for _ in range(20)]
    assert [frame.sequence for frame in got] == list(range(got[0].sequence, got[0].sequence + 20))


async def _find(radio: Radio) -> BLEDevice:
    found: asyncio.Queue[FoundSensor] = asyncio.Queue()
    async with asyncio.timeout(PATIENCE_S), radio.scanner(found.put_nowait):
        sensor = await found.get()
    assert sensor.name == "CW-B1UE"
    return sensor.device


async def test_pairing_without_an_agent_is_refused_as_bluez_does(bluez: Simulator) -> None:
    assert bluez.address
    device = await BleakScanner.find_device_by_name("CW-B1UE", timeout=PATIENCE_S)
    assert device is not None
    with pytest.raises(Exception, match="AuthenticationFailed"):
        async with BleakClient(device, pair=True):
            pass
