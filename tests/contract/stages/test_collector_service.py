"""The collector from simulated sensors over the virtual radio to a session file and a real broker."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.bus.client import Bus
from crampwatch.collector.service import CollectorOptions, run, scan
from crampwatch.decoding.session import decode_session
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing, SensorCore
from crampwatch.firmware_sim.radio.link_layer import AirPath
from crampwatch.firmware_sim.radio.options import SensorOptions, SessionFile
from crampwatch.firmware_sim.radio.service import Simulator
from crampwatch.journal import SessionReader, SessionSummary, list_sessions
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import RecordKind
from crampwatch.protocol.topics import ROOT, Leaf, Topic
from lanes.brokers import Broker, broker_of
from lanes.patience import PATIENCE_S, ends_soon
from lanes.radio_lane import Ramp, ramp, sensor
from lanes.radio_lane import simulator as simulator_at

Kind = TypeVar("Kind", bound=messages.Message)
AWAY, BACK = AirPath(in_range=False), AirPath()
simulator = partial(simulator_at, speed=1.0)
PROGRAM = """
import asyncio, sys
from pathlib import Path
from crampwatch.bus.address import BrokerAddress
from crampwatch.collector.service import CollectorOptions, run
options = CollectorOptions(BrokerAddress.parse(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
asyncio.run(run(options, stop=asyncio.Event()))
"""


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = broker_of("nats", tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


class Listener:
    """All that the collector has published."""

    def __init__(self, bus: Bus) -> None:
        self.blocks: dict[str, list[SampleBlock]] = {}
        self.messages: list[messages.Message] = []
        self._bus = bus
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for message in self._bus.messages():
            message.ack()
            topic = Topic.parse(message.topic)
            if topic.leaf is Leaf.SAMPLES:
                self.blocks.setdefault(topic.sensor, []).append(SampleBlock.decode(message.payload))
            else:
                self.messages.append(messages.decode(message.payload, messages.MESSAGE_TYPES[topic.leaf]))
            self._changed.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.messages if isinstance(message, kind)]

    def indices(self, name: str = "CW-0001") -> set[int]:
        """Return the index of every sample published, having checked each against the ramp."""
        found: set[int] = set()
        for block in self.blocks.get(name, []):
            check(block)
            found |= set(range(block.first_index, block.next_index))
        return found

    def is_complete(self, beyond: int, name: str = "CW-0001") -> bool:
        """Return whether all samples there are, past an index, leave no gap."""
        found = self.indices(name)
        return max(found) > beyond and len(found) == max(found) - min(found) + 1

    async def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S * 2) -> None:
        async with asyncio.timeout(patience_s):
            while not condition():
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await self._changed.wait()


def check(block: SampleBlock) -> None:
    np.testing.assert_array_equal(block.counts, ramp(block.first_index, len(block.counts)))
    assert BlockFlag.SIMULATED in block.flags or BlockFlag.REPLAY in block.flags


def options(broker: Broker, sim: Simulator, folder: Path, **more: object) -> CollectorOptions:
    return CollectorOptions(broker.address, folder, f"bumble:tcp-client:{sim.address}", **more)  # type: ignore[arg-type]  # the keywords are its own


@asynccontextmanager
async def listening(broker: Broker) -> AsyncIterator[Listener]:
    """Listen; the broker keeps for it what is said while it does not, once it has listened for the first time."""
    async with Bus(broker.address, client_id="listener", persistent=True) as bus:
        await bus.subscribe(f"{ROOT}/#")
        listener = Listener(bus)
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def collecting(asked: CollectorOptions) -> AsyncIterator[None]:
    """Run the collector in this process; it must end within 2 s."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(asked, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await ends_soon(task)


@asynccontextmanager
async def collector_process(asked: CollectorOptions) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        asked.broker.url,
        str(asked.data_dir),
        str(asked.adapter),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def only_session(folder: Path) -> SessionSummary:
    (entry,) = list_sessions(folder / "sessions")
    assert entry.summary is not None, entry.problem
    return entry.summary


def recorded(summary: SessionSummary, name: str = "CW-0001") -> list[SampleBlock]:
    """Return the blocks of a session file, having checked each."""
    with SessionReader(summary.path) as reader:
        blocks = [item for _, item in decode_session(reader, sensor=name) if isinstance(item, SampleBlock)]
    for block in blocks:
        check(block)
    return blocks


def assert_gap_free(blocks: list[SampleBlock]) -> None:
    assert all(a.next_index == b.first_index for a, b in pairwise(blocks))


async def test_a_sensor_is_recorded_published_and_its_session_ended(broker: Broker, tmp_path: Path) -> None:
    async with simulator(sensor(air=AirPath(rssi_dbm=-66))) as sim, listening(broker) as listener:
        asked = options(broker, sim, tmp_path, placements={"CW-0001": messages.Placement(side="left", muscle="FHB")})
        async with collecting(asked):
            await listener.until(lambda: len(listener.indices()) >= 4000)
            await listener.until(
                lambda: bool(listener.of(messages.Link)) and listener.of(messages.Link)[-1].rssi_dbm == -66
            )
        await listener.until(lambda: any(info.ended_ns for info in listener.of(messages.SensorInfo)))
    summary = only_session(tmp_path)
    assert summary.ended_utc_ns is not None
    assert summary.head.origin == "demo"
    blocks = recorded(summary)
    assert_gap_free(blocks)
    assert listener.indices() == {index for block in blocks for index in range(block.first_index, block.next_index)}
    first = listener.of(messages.SensorInfo)[0]
    assert (first.sensor, first.origin, first.session) == ("CW-0001", Origin.DEMO, summary.head.session)
    assert (first.placement.side, first.placement.muscle, first.firmware) == ("left", "FHB", "simulator")
    assert listener.of(messages.Battery)[0].percent == 100
    assert listener.of(messages.Temperature)[0].celsius is not None
    link = listener.of(messages.Link)[-1]
    assert (link.lost_samples, link.broken_frames, link.reconnects) == (0, 0, 0)
    services = [status.online for status in listener.of(messages.ServiceStatus) if status.service == "collector"]
    assert (services[0], services[-1]) == (True, False)


async def test_live_and_final_times_are_close_to_the_truth(broker: Broker, tmp_path: Path) -> None:
    async with simulator() as sim, listening(broker) as listener, collecting(options(broker, sim, tmp_path)):
        await listener.until(lambda: len(listener.indices()) >= 6000)
        boot_utc_ns = time.time_ns() - round(sim._clocks["CW-0001"]() * 1e9)
    live_blocks = listener.blocks["CW-0001"]
    assert all(
        a.first_utc_ns <= b.first_utc_ns for a, b in pairwise(sorted(live_blocks, key=lambda block: block.first_index))
    )
    for blocks, limit_ns in ((live_blocks, 20_000_000), (recorded(only_session(tmp_path)), 10_000_000)):
        errors = [block.first_utc_ns - (boot_utc_ns + block.first_index * 1_000_000) for block in blocks]
        assert max(abs(error) for error in errors) < limit_ns, errors


def _has_caught_up(link: messages.Link) -> bool:
    return link.connected and link.reconnects >= 1 and link.backfilled_samples > 8000


async def test_twelve_seconds_out_of_range_lose_nothing(broker: Broker, tmp_path: Path) -> None:
    async with simulator() as sim, listening(broker) as listener, collecting(options(broker, sim, tmp_path)):
        await listener.until(lambda: len(listener.indices()) >= 1500)
        sim.set_air("CW-0001", AWAY)
        await asyncio.sleep(12)
        last = max(listener.indices())
        sim.set_air("CW-0001", BACK)
        await listener.until(lambda: listener.is_complete(last + 10_000))
        # What the link says of itself comes every few seconds, so after the samples it speaks of.
        await listener.until(lambda: any(_has_caught_up(link) for link in listener.of(messages.Link)))
    assert_gap_free(recorded(only_session(tmp_path)))


async def test_a_killed_collector_goes_on_with_its_session_and_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    async with simulator(bonds=tmp_path / "sensor.json") as sim, listening(broker) as listener:
        asked = options(broker, sim, tmp_path)
        async with collector_process(asked) as child:
            await listener.until(lambda: len(listener.indices()) >= 2500)
            os.kill(child.pid, signal.SIGKILL)
            await child.wait()
        killed_at = max(listener.indices())
        bonds = (tmp_path / "bonds.json").read_text()
        async with collecting(asked):
            await listener.until(lambda: listener.is_complete(killed_at + 5000))
        assert (tmp_path / "bonds.json").read_text() == bonds, "it paired again"
    summary = only_session(tmp_path)
    blocks = recorded(summary)
    assert_gap_free(blocks)
    assert listener.indices() == {index for block in blocks for index in range(block.first_index, block.next_index)}
    assert {info.session for info in listener.of(messages.SensorInfo)} == {summary.head.session}
    with SessionReader(summary.path) as reader:
        assert sorted({record.epoch for record in reader.records()}) == [0, 1]


async def test_two_sensors_are_recorded_side_by_side(broker: Broker, tmp_path: Path) -> None:
    names = ("CW-0001", "CW-0002")
    async with (
        simulator(*(sensor(name) for name in names)) as sim,
        listening(broker) as listener,
        collecting(options(broker, sim, tmp_path)),
    ):
        await listener.until(lambda: all(len(listener.indices(name)) >= 3000 for name in names))
    summary = only_session(tmp_path)
    assert sorted(one.sensor for one in summary.sensors) == list(names)
    for name in names:
        assert_gap_free(recorded(summary, name))


async def test_two_collectors_on_one_broker_leave_each_other_alone(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crampwatch.collector.service._PRESENCE_S", 0.3)
    rooms = {name: DataFolder(tmp_path / name) for name in ("CW-0001", "CW-0002")}
    for folder in rooms.values():
        folder.create()
    ids = {name: folder.client_id("collector") for name, folder in rooms.items()}
    assert ids == {name: folder.client_id("collector") for name, folder in rooms.items()}
    async with (
        simulator(sensor("CW-0001")) as one,
        simulator(sensor("CW-0002")) as other,
        listening(broker) as listener,
    ):
        first, second = (
            options(broker, sim, rooms[name].root, client_id=ids[name])
            for name, sim in zip(rooms, (one, other), strict=True)
        )

        def presence() -> list[bool]:
            return [status.online for status in listener.of(messages.ServiceStatus) if status.service == "collector"]

        async with collecting(first):
            async with collecting(second):
                await listener.until(lambda: all(len(listener.indices(name)) >= 3000 for name in rooms))
                assert all(presence()), "one was taken for the other"
            await listener.until(lambda: False in presence())
            gone = len(presence())
            await listener.until(lambda: any(presence()[gone:]))
    for name, folder in rooms.items():
        assert_gap_free(recorded(only_session(folder.root), name))


async def test_only_the_sensors_asked_for_are_recorded(broker: Broker, tmp_path: Path) -> None:
    async with (
        simulator(sensor("CW-0001"), sensor("CW-0002")) as sim,
        listening(broker) as listener,
        collecting(options(broker, sim, tmp_path, sensors=("cw-0002",))),
    ):
        await listener.until(lambda: len(listener.indices("CW-0002")) >= 2000)
    assert [one.sensor for one in only_session(tmp_path).sensors] == ["CW-0002"]


async def test_while_the_broker_is_away_recording_goes_on_and_all_is_told_later(broker: Broker, tmp_path: Path) -> None:
    async with listening(broker):
        pass  # else the collector may be the first to find the broker again, and speak to nobody
    await broker.stop()
    async with simulator() as sim, collecting(options(broker, sim, tmp_path)):
        await _until_recorded(tmp_path, 80)
        await broker.start()
        async with listening(broker) as listener:
            await listener.until(lambda: len(listener.indices()) >= 6000)
            last = max(listener.indices())
            with SessionReader(only_session(tmp_path).path) as reader:
                blocks = [item for _, item in decode_session(reader) if isinstance(item, SampleBlock)]
                first = blocks[0].first_index
            assert listener.indices() == set(range(first, last + 1))


async def _until_recorded(folder: Path, records: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not any(one.summary and one.summary.record_count > records for one in list_sessions(folder / "sessions")):  # noqa: ASYNC110  # a file tells nobody that it has grown
            await asyncio.sleep(0.1)


async def test_a_replay_at_eight_times_the_speed_ends_by_itself_and_is_complete(broker: Broker, tmp_path: Path) -> None:
    played = sensor(source=lambda: Ramp(duration_samples=40_000), origin=Origin.REPLAY)
    begin_ns = 1_500_000_000_000_000_000
    async with simulator_at(played, speed=8.0) as sim, listening(broker) as listener:
        asked = options(broker, sim, tmp_path, speed=8.0, start_utc_ns=begin_ns, ends_with_streams=True)
        async with asyncio.timeout(PATIENCE_S * 2):
            await run(asked, stop=asyncio.Event())
        await listener.until(lambda: any(info.ended_ns for info in listener.of(messages.SensorInfo)))
    summary = only_session(tmp_path)
    blocks = recorded(summary)
    assert_gap_free(blocks)
    assert (blocks[0].first_index, blocks[-1].next_index) == (0, 40_000)
    assert listener.indices() == set(range(40_000))
    assert summary.head.origin == "replay"
    assert begin_ns < blocks[0].first_utc_ns < begin_ns + 60_000_000_000
    elapsed_ns = blocks[-1].first_utc_ns - blocks[0].first_utc_ns
    assert elapsed_ns == pytest.approx(blocks[-1].first_index * 1e6, abs=0.1e9)
    assert summary.duration_s == pytest.approx(45, abs=15)


async def test_a_session_played_again_is_recorded_octet_by_octet(broker: Broker, tmp_path: Path) -> None:
    async with simulator() as sim, listening(broker) as listener, collecting(options(broker, sim, tmp_path / "first")):
        await listener.until(lambda: len(listener.indices()) >= 1500)
        sim.set_air("CW-0001", AWAY)
        await asyncio.sleep(6)
        last = max(listener.indices())
        sim.set_air("CW-0001", BACK)
        await listener.until(lambda: listener.is_complete(last + 4000))
    first = only_session(tmp_path / "first")
    async with simulator_at(SensorOptions("CW-0001", SessionFile(first.path)), speed=4.0) as sim:
        asked = options(broker, sim, tmp_path / "again", speed=4.0, ends_with_streams=True)
        async with asyncio.timeout(PATIENCE_S * 3):
            await run(asked, stop=asyncio.Event())
    again = only_session(tmp_path / "again")
    assert again.head.origin == "demo", "what was simulated says so when it is played again, too"
    assert set(notified(again.path)) >= set(notified(first.path))
    a, b = recorded(first), recorded(again)
    assert_gap_free(b)
    assert (a[0].boot_id, a[0].first_index, a[-1].next_index) == (b[0].boot_id, b[0].first_index, b[-1].next_index)


def notified(path: Path) -> list[bytes]:
    """Return every frame of a session as it was received."""
    with SessionReader(path) as reader:
        return [record.payload for record in reader.records(kinds=[RecordKind.DATA, RecordKind.STORED_DATA])]


async def test_an_adapter_that_is_not_there_is_told(broker: Broker, tmp_path: Path) -> None:
    asked = CollectorOptions(broker.address, tmp_path, "bumble:tcp-client:127.0.0.1:9")
    with pytest.raises(UnavailableError, match="cannot be opened"):
        await run(asked, stop=asyncio.Event())


async def test_a_sensor_that_speaks_nonsense_is_counted_and_stops_nobody(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_sensor = Simulator._new_sensor

    async def mad(self: Simulator, asked: SensorOptions) -> SensorCore:
        one = await new_sensor(self, asked)
        if one.name == "CW-BAD1":
            monkeypatch.setattr(one, "info", lambda _now_s: b"\x01" + b"\xff" * 200)
        if one.name == "CW-BAD2":
            next_outgoing = one.next_outgoing
            monkeypatch.setattr(
                one,
                "next_outgoing",
                lambda *, may_indicate: _corrupted(next_outgoing(may_indicate=may_indicate)),
            )
        return one

    monkeypatch.setattr(Simulator, "_new_sensor", mad)
    names = ("CW-BAD1", "CW-BAD2", "CW-0001")
    async with (
        simulator(*(sensor(name) for name in names)) as sim,
        listening(broker) as listener,
        collecting(options(broker, sim, tmp_path)),
    ):
        await listener.until(lambda: len(listener.indices()) >= 4000)
        await listener.until(lambda: any(one.code == "broken_frames" for one in listener.of(messages.Notice)))
    summary = only_session(tmp_path)
    assert_gap_free(recorded(summary))
    bad = {one.sensor: one.key for one in summary.sensors}["CW-BAD2"]
    kept = {tally.kind: tally.records for tally in summary.tallies if tally.sensor_key == bad}
    assert kept[RecordKind.DATA] >= 20, "what is broken is kept all the same"


def _corrupted(outgoing: Outgoing | None) -> Outgoing | None:
    if outgoing is None or outgoing.channel is not Channel.DATA:
        return outgoing
    value = bytearray(outgoing.value)
    value[20] ^= 0xFF
    return Outgoing(outgoing.channel, bytes(value))


async def test_a_scan_tells_who_is_there_strongest_first() -> None:
    near, far = sensor("CW-0001", air=AirPath(rssi_dbm=-50)), sensor("CW-0002", air=AirPath(rssi_dbm=-80))
    async with simulator(far, near) as sim:
        found = await scan(f"bumble:tcp-client:{sim.address}", seconds=1.0)
    assert [(one.name, one.rssi_dbm) for one in found] == [("CW-0001", -50), ("CW-0002", -80)]
