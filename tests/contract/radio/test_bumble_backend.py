"""bleak's scanner and client on Bumble, against a simulated sensor on the virtual radio."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakError, BleakGATTProtocolError
from bumble import hci
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter
from crampwatch.collector.ble.bumble_backend.bleak_arguments import client_arguments, scanner_arguments
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.protocol import gatt
from crampwatch.protocol.control import Opcode, Request
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.kinds import Origin
from lanes.patience import PATIENCE_S
from lanes.radio_lane import adapter, connected, find, host, indices, sensor, simulator


async def test_an_advertisement_carries_name_service_and_signal_strength() -> None:
    async with simulator(sensor(air=AirPath(rssi_dbm=-71))) as sim, adapter(sim.address) as bumble:
        advertised: asyncio.Queue[tuple[BLEDevice, AdvertisementData]] = asyncio.Queue()
        scanner = BleakScanner(
            lambda one, data: advertised.put_nowait((one, data)), [gatt.CWS_SERVICE], **scanner_arguments(bumble)
        )
        async with scanner, asyncio.timeout(PATIENCE_S):
            device, data = await advertised.get()
    assert device.name == data.local_name == "CW-0001"
    assert data.service_uuids == [gatt.CWS_SERVICE]
    assert data.rssi == -71
    assert int(device.address[:2], 16) >= 0xC0, "a static random address"


async def test_a_scan_for_another_service_hears_nothing() -> None:
    async with simulator() as sim, adapter(sim.address) as bumble:
        advertised = asyncio.Event()
        everything = BleakScanner(lambda _device, _data: advertised.set(), **scanner_arguments(bumble))
        others = BleakScanner(service_uuids=[gatt.assigned_uuid(0x180D)], **scanner_arguments(bumble))
        async with everything, others, asyncio.timeout(PATIENCE_S):
            await advertised.wait()
            assert others.discovered_devices == []


async def test_a_passive_scan_hears_too() -> None:
    async with simulator() as sim, adapter(sim.address) as bumble:
        advertised = asyncio.Event()
        scanner = BleakScanner(
            lambda _device, _data: advertised.set(), scanning_mode="passive", **scanner_arguments(bumble)
        )
        async with scanner, asyncio.timeout(PATIENCE_S):
            await advertised.wait()


async def test_info_vitals_and_identity_are_read() -> None:
    async with connected() as (_, one):
        info = Info.decode(bytes(await one.client.read_gatt_char(gatt.INFO)))
        assert info.origin is Origin.DEMO
        assert [stream.rate_hz for stream in info.streams] == [1000.0]
        assert info.samples_per_frame == (57,)
        assert one.client.mtu_size == 247
        assert await one.client.read_gatt_char(gatt.BATTERY_LEVEL) == b"\x64"
        assert bytes(await one.client.read_gatt_char(gatt.SERIAL_NUMBER)) == b"CW-0001"
        characteristic = one.client.services.get_characteristic(gatt.CONTROL)
        assert characteristic is not None
        assert characteristic.max_write_without_response_size == 244
        assert sorted(characteristic.properties) == ["indicate", "write"]


async def test_what_is_private_needs_an_encrypted_link() -> None:
    async with (
        simulator() as sim,
        adapter(sim.address) as bumble,
        BleakClient(await find(bumble), **client_arguments(bumble)) as client,
    ):
        assert await client.read_gatt_char(gatt.BATTERY_LEVEL) == b"\x64"
        for uuid in (gatt.INFO, gatt.TEMPERATURE):
            with pytest.raises(BleakGATTProtocolError, match="Insufficient"):
                await client.read_gatt_char(uuid)
        for uuid in (gatt.DATA, gatt.STORED_DATA, gatt.EVENT, gatt.CONTROL, gatt.TEMPERATURE):
            with pytest.raises(BleakGATTProtocolError, match="Insufficient"):
                await client.start_notify(uuid, lambda *_: None)
        with pytest.raises(BleakGATTProtocolError, match="Insufficient"):
            await client.write_gatt_char(gatt.CONTROL, Request(Opcode.INFO, 1).encode(), response=True)
        await client.pair()
        Info.decode(bytes(await client.read_gatt_char(gatt.INFO)))


async def test_a_write_to_control_is_refused_before_its_indications_are_subscribed() -> None:
    async with (
        simulator() as sim,
        adapter(sim.address) as bumble,
        BleakClient(await find(bumble), pair=True, **client_arguments(bumble)) as client,
    ):
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(gatt.CONTROL, Request(Opcode.INFO, 1).encode(), response=True)
        assert refused.value.code == 0xFD


async def test_a_request_too_short_for_a_reply_is_refused_by_att() -> None:
    async with connected() as (_, one):
        with pytest.raises(BleakGATTProtocolError) as refused:
            await one.client.write_gatt_char(gatt.CONTROL, b"\x01", response=True)
        assert refused.value.code == 0x0D


async def test_frames_arrive_gap_free_and_in_order() -> None:
    async with connected() as (_, one):
        await one.start()
        await one.until(lambda: len(one.live) >= 20)
        arrived = indices(one.live)
        assert arrived == list(range(arrived[0], arrived[-1] + 1))
        assert [Frame.decode(packet).sequence for packet in one.live] == list(range(len(one.live)))
        await one.client.stop_notify(gatt.DATA)


async def test_a_bond_is_stored_by_both_sides_and_used_again(tmp_path: Path) -> None:
    host_bonds, sensor_bonds = tmp_path / "host" / "bonds.json", tmp_path / "sensor.json"
    async with (
        simulator(bonds=sensor_bonds) as sim,
        adapter(sim.address, host_bonds) as bumble,
        host(bumble, await find(bumble)),
    ):
        pass
    kept = json.loads(host_bonds.read_text())
    assert stat.S_IMODE(host_bonds.stat().st_mode) == 0o600
    async with (
        simulator(bonds=sensor_bonds) as sim,
        adapter(sim.address, host_bonds) as bumble,
        BleakClient(await find(bumble), pair=False, **client_arguments(bumble)) as client,
    ):
        Info.decode(bytes(await client.read_gatt_char(gatt.INFO)))
    assert json.loads(host_bonds.read_text()) == kept, "it paired again"


async def test_a_sensor_that_forgot_its_bond_is_paired_again_only_where_asked_to(tmp_path: Path) -> None:
    bonds = tmp_path / "bonds.json"
    async with simulator() as sim, adapter(sim.address, bonds) as bumble, host(bumble, await find(bumble)):
        pass
    async with simulator() as sim, adapter(sim.address, bonds) as bumble:
        device = await find(bumble)
        with pytest.raises(BleakError, match="PIN_OR_KEY_MISSING"):
            await BleakClient(device, pair=False, **client_arguments(bumble)).connect()
        async with host(bumble, await find(bumble), pair=True) as one:
            Info.decode(bytes(await one.client.read_gatt_char(gatt.INFO)))


async def test_unpair_forgets_the_bond(tmp_path: Path) -> None:
    bonds = tmp_path / "bonds.json"
    async with simulator() as sim, adapter(sim.address, bonds) as bumble:
        async with host(bumble, await find(bumble)) as one:
            address = one.client.address
            assert address in bonds.read_text()
            await one.client.unpair()
            assert one.gone.is_set() or not one.client.is_connected
        assert address not in bonds.read_text()


async def test_a_damaged_bond_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    bonds = tmp_path / "bonds.json"
    bonds.write_text("{")
    async with simulator() as sim:
        with pytest.raises(ConfigurationError, match="Move the file away"):
            await BumbleAdapter(f"tcp-client:{sim.address}", bonds).open()
    assert bonds.read_text() == "{"


async def test_two_sensors_are_held_at_once() -> None:
    async with simulator(sensor("CW-0001"), sensor("CW-0002")) as sim, adapter(sim.address) as bumble:
        first, second = await find(bumble, "CW-0001"), await find(bumble, "CW-0002")
        async with host(bumble, first) as one, host(bumble, second) as two:
            await asyncio.gather(one.start(), two.start())
            await one.until(lambda: len(one.live) >= 5)
            await two.until(lambda: len(two.live) >= 5)
            assert indices(one.live)
            assert indices(two.live)


async def test_connecting_to_a_sensor_out_of_range_times_out_and_can_be_tried_again() -> None:
    async with simulator() as sim, adapter(sim.address) as bumble:
        device = await find(bumble)
        sim.set_air("CW-0001", AirPath(in_range=False))
        with pytest.raises(TimeoutError):
            await BleakClient(device, timeout=0.3, **client_arguments(bumble)).connect()
        sim.set_air("CW-0001", AirPath())
        async with host(bumble, device) as one:
            assert one.client.is_connected


async def test_a_cancelled_attempt_leaves_no_connection_behind() -> None:
    async with simulator() as sim, adapter(sim.address) as bumble:
        device = await find(bumble)
        sim.set_air("CW-0001", AirPath(in_range=False))
        attempt = asyncio.create_task(BleakClient(device, **client_arguments(bumble)).connect())
        await asyncio.sleep(0.1)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        sim.set_air("CW-0001", AirPath())
        await find(bumble)
        assert not bumble.device.connections


async def test_the_disconnected_callback_is_called_and_operations_then_fail() -> None:
    async with connected() as (_, one):
        await one.client.disconnect()
        async with asyncio.timeout(PATIENCE_S):
            await one.gone.wait()
        with pytest.raises(BleakError):
            await one.client.read_gatt_char(gatt.INFO)


async def test_signal_strength_of_a_connection_is_reported() -> None:
    async with simulator(sensor(air=AirPath(rssi_dbm=-83))) as sim, adapter(sim.address) as bumble:
        device = await find(bumble)
        assert await bumble.rssi_dbm(device.address) is None
        async with host(bumble, device):
            assert await bumble.rssi_dbm(device.address) == -83


async def test_a_failing_callback_does_not_end_the_notifications(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (_, one):
        calls = 0
        enough = asyncio.Event()

        def failing(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == 3:
                enough.set()
            raise RuntimeError("mine")

        await one.client.stop_notify(gatt.DATA)
        await one.client.start_notify(gatt.DATA, failing)
        await one.start()
        async with asyncio.timeout(PATIENCE_S):
            await enough.wait()
    assert "mine" in caplog.text


async def test_a_missing_radio_is_reported_with_what_to_do() -> None:
    async with simulator() as sim:
        address = sim.address
    with pytest.raises(UnavailableError, match="virtual radio runs"):
        await BumbleAdapter(f"tcp-client:{address}").open()
    with pytest.raises(UnavailableError, match="cannot be opened"):
        await BumbleAdapter("nonsense").open()


async def test_a_lost_adapter_is_reported_and_comes_back(tmp_path: Path) -> None:
    host_bonds, sensor_bonds = tmp_path / "bonds.json", tmp_path / "sensor.json"
    async with simulator(bonds=sensor_bonds) as first:
        address = first.address
        bumble = BumbleAdapter(f"tcp-client:{address}", host_bonds)
        await bumble.open()
        advertised = asyncio.Event()
        scanner = BleakScanner(lambda _device, _data: advertised.set(), **scanner_arguments(bumble))
        device = await find(bumble)
        await scanner.start()
        connection = host(bumble, device)
        one = await connection.__aenter__()
    async with asyncio.timeout(PATIENCE_S):
        await one.gone.wait()
    with pytest.raises(BleakError):
        await one.client.read_gatt_char(gatt.INFO)
    with pytest.raises(BleakBluetoothNotAvailableError):
        await BleakClient(device, **client_arguments(bumble)).connect()
    await connection.__aexit__(None, None, None)
    advertised.clear()
    async with simulator(bonds=sensor_bonds, listen=address), asyncio.timeout(PATIENCE_S):
        await advertised.wait()
        async with host(bumble, device, pair=False) as again:
            await again.client.read_gatt_char(gatt.INFO)
    await scanner.stop()
    await bumble.close()


def test_an_unknown_address_is_assumed_to_be_random() -> None:
    bumble = BumbleAdapter("tcp-client:127.0.0.1:1")
    assert bumble.resolve_address("C0:00:00:00:00:01").address_type == hci.Address.RANDOM_DEVICE_ADDRESS
