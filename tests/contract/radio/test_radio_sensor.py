"""A simulated sensor over the virtual radio: loss, range, backfill, crashes, two processes."""

import asyncio
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from crampwatch.collector.ble.bumble_backend.adapter import BumbleAdapter
from crampwatch.collector.ble.bumble_backend.bleak_arguments import client_arguments
from crampwatch.firmware_sim.device.recorded import RecordedSource
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.firmware_sim.radio.options import Outage, SensorOptions, SessionFile, SimulatorOptions
from crampwatch.firmware_sim.radio.service import Simulator, run
from crampwatch.journal import SessionWriter
from crampwatch.protocol import gatt
from crampwatch.protocol.control import Backfill, Opcode, RingReport, Status, SyncReply
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.event import EventCode
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import Capability, Info
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import Record, RecordKind, SessionHead
from crampwatch.protocol.stream import SampleFormat
from crampwatch.protocol.temperature import decode_temperature
from crampwatch.recordings import Recording, describe_stream
from lanes.patience import PATIENCE_S, on_this_machine
from lanes.radio_lane import Ramp, adapter, connected, find, host, indices, process, ramp, sensor, simulator


def _frames(packets: list[bytes]) -> list[Frame]:
    return [Frame.decode(packet) for packet in packets]


async def test_loss_on_the_air_delays_frames_and_drops_none() -> None:
    async with (
        simulator(sensor(air=AirPath(loss=0.3))) as sim,
        adapter(sim.address) as bumble,
        host(bumble, await find(bumble)) as one,
    ):
        await one.start()
        await one.until(lambda: len(one.live) >= 40)
        arrived = indices(one.live)
        assert arrived == list(range(arrived[0], arrived[-1] + 1))


async def test_out_of_range_ends_the_connection_after_four_seconds_and_backfill_closes_the_gap() -> None:
    async with simulator(speed=1.0) as sim, adapter(sim.address) as bumble:
        device = await find(bumble)
        async with host(bumble, device) as before:
            await before.start()
            await before.until(lambda: len(before.live) >= 5)
            sim.set_air("CW-0001", AirPath(in_range=False))
            left_s = asyncio.get_running_loop().time()
            async with asyncio.timeout(PATIENCE_S):
                await before.gone.wait()
            silence_s = asyncio.get_running_loop().time() - left_s
            assert 3.9 <= silence_s <= on_this_machine(5.0)
        sim.set_air("CW-0001", AirPath())
        async with host(bumble, device) as after:
            await after.start()
            await after.until(lambda: len(after.live) >= 5)
            first_missed = indices(before.live)[-1] + 1
            first_live = indices(after.live)[0]
            promised, counts = await after.backfill(first_missed, first_live - first_missed)
            assert promised == Backfill(1, first_missed, first_live - first_missed)
            assert counts.samples == promised.count
            assert indices(after.stored) == list(range(first_missed, first_live))
            assert all(frame.flags == FrameFlag.STORED for frame in _frames(after.stored))


async def test_live_frames_go_before_stored_ones() -> None:
    async with (
        simulator(sensor(ring_s=60)) as sim,
        adapter(sim.address) as bumble,
        host(bumble, await find(bumble)) as one,
    ):
        await one.start()
        await one.until(lambda: len(one.live) >= 90)
        before = len(one.live)
        await one.backfill(0, 7_000)
        during = len(one.live) - before
        assert during >= 3, "a backfill of 7 s takes about 0.7 s, in which 12 live frames fall due"
        arrived = indices(one.live)
        assert arrived == list(range(arrived[0], arrived[-1] + 1))


async def test_a_backfill_can_be_aborted_and_reports_what_it_had_sent() -> None:
    async with connected(speed=1.0) as (sim, one):
        await one.start()
        await one.until(lambda: len(one.live) >= 40)
        sim.set_air("CW-0001", AirPath(loss=0.5))  # about one packet an event: the end is seconds away
        accepted = await one.ask(Opcode.BACKFILL, Backfill(1, 0, 4_000).encode())
        assert accepted.status is Status.SUCCESS
        busy = await one.ask(Opcode.BACKFILL, Backfill(1, 0, 10).encode())
        assert busy.status is Status.BUSY
        await one.until(lambda: len(one.stored) >= 1)
        aborted = await one.ask(Opcode.ABORT)
        assert aborted.status is Status.SUCCESS
        done = await one.reply()
        assert done.done
        assert done.status is Status.ABORTED
        frames = int.from_bytes(done.params[:2], "little")
        assert 1 <= frames < 71
        await one.until(lambda: len(one.stored) == frames)


async def test_ticks_and_index_of_a_sync_agree_with_the_frames() -> None:
    async with connected() as (_, one):
        info = Info.decode(bytes(await one.client.read_gatt_char(gatt.INFO)))
        await one.start()
        await one.until(lambda: len(one.live) >= 3)
        pair = SyncReply.decode((await one.ask(Opcode.SYNC)).params)
        frame = _frames(one.live)[-1]
        elapsed_s = (pair.ticks - frame.ticks) / info.tick_hz
        assert pair.index == pytest.approx(frame.first_index + elapsed_s * 1000, abs=2)


async def test_temperature_and_events_are_notified() -> None:
    source = Ramp(off_s=(4.0, 1e9))
    async with (
        simulator(sensor(source=lambda: source)) as sim,
        adapter(sim.address) as bumble,
        host(bumble, await find(bumble)) as one,
    ):
        await one.until(lambda: bool(one.temperatures))
        assert 30.0 <= decode_temperature(one.temperatures[0]) < 31.0
        sim.press_button("CW-0001")
        await one.until(lambda: any(event.code == EventCode.BUTTON for event in one.events))
        await one.until(lambda: any(event.code == EventCode.LEAD_CHANGE for event in one.events))
        [change] = [event for event in one.events if event.code == EventCode.LEAD_CHANGE]
        assert change.payload == b"\x01\x00"


async def test_a_scheduled_spell_out_of_range_comes_and_goes() -> None:
    away = Outage(start_s=0.5, duration_s=1.0)
    async with simulator(sensor(outages=(away,))) as sim, adapter(sim.address) as bumble:
        begun_s = asyncio.get_running_loop().time()
        device = await find(bumble)
        client = BleakClient(device, timeout=PATIENCE_S, pair=True, **client_arguments(bumble))
        async with client:
            await client.read_gatt_char(gatt.INFO)
        assert asyncio.get_running_loop().time() - begun_s > 1.5


async def test_a_replay_waits_for_its_first_start_and_ends_with_its_source() -> None:
    source = Ramp(duration_samples=1_000)
    async with (
        simulator(sensor(source=lambda: source, waits_for_start=True)) as sim,
        adapter(sim.address) as bumble,
        host(bumble, await find(bumble)) as one,
    ):
        assert Info.decode(bytes(await one.client.read_gatt_char(gatt.INFO))).rings[0].next_index == 0
        await one.start()
        await one.until(lambda: any(event.code == EventCode.STREAM_ENDED for event in one.events))
        assert one.events[-1].index == 1_000
        await one.until(lambda: len(one.live) == 18)
        assert indices(one.live) == list(range(1_000))
        refused = await one.ask(Opcode.START, b"\x02\x00")
        assert refused.status is Status.NOT_AVAILABLE


async def test_twenty_times_real_time_loses_nothing() -> None:
    async with connected(speed=20.0) as (_, one):
        await one.start()
        await one.until(lambda: len(one.live) >= 700)
        arrived = indices(one.live)
        assert arrived == list(range(arrived[0], arrived[-1] + 1))


async def _line(output: asyncio.StreamReader) -> str:
    async with asyncio.timeout(PATIENCE_S):
        return (await output.readline()).decode().strip()


async def _reconnected(bumble: BumbleAdapter) -> BleakClient:
    """Try until the radio is back, as a collector does."""
    while True:
        try:
            client = BleakClient(await find(bumble), pair=False, **client_arguments(bumble))
            await client.connect()
        except BleakError:
            await asyncio.sleep(0.1)
        else:
            return client


async def test_a_killed_simulator_is_noticed_and_its_next_boot_is_another(tmp_path: Path) -> None:
    sensor_bonds, host_bonds = str(tmp_path / "sensor.json"), tmp_path / "host.json"
    async with process("simulate", "127.0.0.1:0", sensor_bonds) as (simulating, output):
        address = await _line(output)
        async with adapter(address, host_bonds) as bumble:
            async with host(bumble, await find(bumble)) as one:
                first_boot = Info.decode(bytes(await one.client.read_gatt_char(gatt.INFO))).boot_id
                await one.start()
                await one.until(lambda: len(one.live) >= 20)
                assert indices(one.live)
                simulating.kill()
                async with asyncio.timeout(PATIENCE_S):
                    await one.gone.wait()
            async with process("simulate", address, sensor_bonds) as (_, restarted):
                assert await _line(restarted) == address
                again = await _reconnected(bumble)
                assert Info.decode(bytes(await again.read_gatt_char(gatt.INFO))).boot_id != first_boot
                await again.disconnect()


async def test_a_killed_host_is_missed_by_supervision_and_the_next_one_gets_everything(tmp_path: Path) -> None:
    bonds = tmp_path / "host.json"
    async with simulator(bonds=tmp_path / "sensor.json", speed=1.0) as sim:
        async with process("collect", sim.address, str(bonds)) as (collecting, output):
            last = [int(await _line(output)) for _ in range(5)][-1]
            collecting.kill()
            await collecting.wait()
        async with adapter(sim.address, bonds) as bumble, host(bumble, await find(bumble), pair=False) as one:
            report = RingReport.decode((await one.ask(Opcode.INFO)).params)
            missed = report.rings[0][1].next_index - last - 1
            assert missed > 3_000, "the sensor waits 4 s before it advertises again"
            promised, counts = await one.backfill(last + 1, missed)
            assert promised.count == counts.samples == missed
            assert indices(one.stored) == list(range(last + 1, last + 1 + missed))


async def test_the_service_announces_that_it_is_ready_and_stops_on_request() -> None:
    stop, said = asyncio.Event(), asyncio.Queue[str]()
    options = SimulatorOptions((sensor(),), listen="127.0.0.1:0")
    service = asyncio.create_task(run(options, stop=stop, ready=said.put_nowait))
    async with asyncio.timeout(PATIENCE_S):
        async with adapter(await said.get()) as bumble, host(bumble, await find(bumble)) as one:
            stop.set()
            await service
            await one.gone.wait()


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "127.0.0.1"])
async def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        await run(SimulatorOptions((sensor(),), listen=listen), stop=asyncio.Event())


async def test_an_address_in_use_is_reported() -> None:
    async with simulator() as sim:
        with pytest.raises(UnavailableError, match="another port"):
            await run(SimulatorOptions((sensor(),), listen=sim.address), stop=asyncio.Event())


async def test_a_missing_controller_is_reported() -> None:
    with pytest.raises(UnavailableError, match="plugged in"):
        await run(SimulatorOptions((sensor(),), hci="serial:/dev/no-such-dongle"), stop=asyncio.Event())


async def test_a_host_that_does_not_speak_hci_is_shown_out() -> None:
    async with simulator() as sim:
        name, port = sim.address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()
        async with adapter(sim.address) as bumble:
            await find(bumble)


@pytest.mark.parametrize(
    "options",
    [
        SimulatorOptions((sensor(),)),
        SimulatorOptions((), listen="127.0.0.1:0"),
        SimulatorOptions((sensor(), sensor()), listen="127.0.0.1:0"),
        SimulatorOptions((sensor("CW-0001"), sensor("CW-0002")), hci="usb:0"),
        SimulatorOptions((sensor(),), hci="usb:0", speed=2.0),
        SimulatorOptions((sensor(),), listen="127.0.0.1:0", speed=0.0),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: SimulatorOptions) -> None:
    with pytest.raises(ConfigurationError):
        Simulator(options)


def test_the_serial_number_fixes_the_address() -> None:
    assert sensor("CW-0001").address == SensorOptions("other", Ramp, serial="CW-0001").address
    assert sensor("CW-0001").address != sensor("CW-0002").address


_STEP_NS = 57_000_000


def _session(path: Path, info: bytes, live: list[bytes]) -> Path:
    """Write a session as a collector would, its frames 57 ms apart."""
    head = SessionHead(str(uuid4()), 1_700_000_000_000_000_000, 1_000_000_000, 0, "demo", "a test")
    with closing(SessionWriter.create_file(path, head)) as writer:
        key = writer.add_sensor("CW-0001", name="CW-0001", address="C0:00:00:00:00:01", profile="cws").key
        packets = [(RecordKind.INFO, info), *((RecordKind.DATA, packet) for packet in live)]
        writer.append(
            [
                Record(
                    0, key, kind, head.started_mono_ns + n * 57_000_000, head.started_utc_ns + n * 57_000_000, packet
                )
                for n, (kind, packet) in enumerate(packets)
            ]
        )
    return path


async def test_a_recorded_session_is_replayed_byte_for_byte(tmp_path: Path) -> None:
    async with connected() as (_, one):
        info = bytes(await one.client.read_gatt_char(gatt.INFO))
        await one.start()
        await one.until(lambda: len(one.live) >= 30)
        recorded = one.live[:30]
    session = _session(tmp_path / "session.cws", info, recorded)
    async with connected(SensorOptions("CW-0001", SessionFile(session)), speed=5.0) as (_, again):
        played_info = Info.decode(bytes(await again.client.read_gatt_char(gatt.INFO)))
        assert Capability.REPLAY in played_info.capabilities
        assert played_info.origin is Origin.DEMO, "what was simulated says so when it is played again, too"
        assert played_info.boot_id == Info.decode(info).boot_id
        await again.start()
        await again.until(lambda: any(event.code == EventCode.STREAM_ENDED for event in again.events))
        assert again.live == recorded


async def test_a_session_without_the_requested_sensor_is_refused(tmp_path: Path) -> None:
    session = SessionFile(_session(tmp_path / "session.cws", b"", []), sensor="CW-0002")
    with pytest.raises(ConfigurationError, match="has the sensors CW-0001"):
        await run(SimulatorOptions((SensorOptions("CW-0002", session),), listen="127.0.0.1:0"), stop=asyncio.Event())


async def test_a_recording_is_played_from_its_first_sample() -> None:
    samples = ramp(0, 900)
    recording = Recording(
        stream=describe_stream(labels=["a", "b"], rate_hz=1000.0, lsb_uv=0.25, sample_format=SampleFormat.INT16),
        blocks=lambda: [samples * 0.25],
        origin=Origin.LIVE,
        source_text="made for a test",
        sample_count=900,
    )
    options = SensorOptions("CW-0001", lambda: RecordedSource(recording), origin=Origin.REPLAY)
    async with connected(options, speed=5.0) as (_, one):
        await one.start()
        await one.until(lambda: len(one.live) == 16)
        assert indices(one.live) == list(range(900))


async def test_a_sensor_on_a_controller_of_its_own_works_and_reports_the_loss_of_the_controller() -> None:
    """The path a real dongle takes, with a virtual controller at its end."""
    said: asyncio.Queue[str] = asyncio.Queue()
    async with simulator() as sim:
        options = SimulatorOptions((sensor("CW-0002"),), hci=f"tcp-client:{sim.address}")
        service = asyncio.create_task(run(options, stop=asyncio.Event(), ready=said.put_nowait))
        async with adapter(sim.address) as bumble, asyncio.timeout(PATIENCE_S):
            assert await said.get() == options.hci
            async with host(bumble, await find(bumble, "CW-0002")) as one:
                await one.start()
                await one.until(lambda: len(one.live) >= 10)
                assert indices(one.live)
    with pytest.raises(UnavailableError, match="was lost"):
        await service
