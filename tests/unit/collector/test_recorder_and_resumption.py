"""What waits for the disk, and what a new process makes of the session of a killed one."""

import asyncio
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice
from crampwatch.bus.address import BrokerAddress
from crampwatch.collector.ble.adapter import FoundSensor
from crampwatch.collector.options import CollectorOptions
from crampwatch.collector.recording import recorder as recorder_module
from crampwatch.collector.recording.host_clock import HostClock, boot_time_ns, resumed_anchor
from crampwatch.collector.recording.recorder import Recorder
from crampwatch.collector.recording.session import Session
from crampwatch.journal import Anchor, SessionReader, SessionWriter, list_sessions
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from crampwatch.protocol.records import Record, RecordKind, SessionHead

HOUR_NS = 3_600_000_000_000


def new_session(folder: Path, *, age_s: float = 0.0, records: int = 3) -> SessionWriter:
    now_ns, mono_ns = time.time_ns() - round(age_s * 1e9), boot_time_ns() - round(age_s * 1e9)
    writer = SessionWriter.create(folder, SessionHead("ab" * 16, now_ns, mono_ns, 0, "demo", "test"))
    writer.add_sensor("CW-1", name="CW-1", address="C0:01", profile="cws")
    writer.append([Record(0, 1, RecordKind.RSSI, mono_ns + n, now_ns + n, b"\xc0") for n in range(records)])
    return writer


def recorder(failures: list[UnavailableError]) -> Recorder:
    return Recorder(HostClock(), epoch=0, on_failure=failures.append)


async def test_records_are_stamped_and_written_in_order(tmp_path: Path) -> None:
    writer = new_session(tmp_path, records=0)
    one = recorder([])
    for n in range(5):
        stamped = one.record(1, RecordKind.DATA, bytes([n]))
        assert stamped is not None
        assert stamped.mono_ns <= boot_time_ns()
    waiting = asyncio.create_task(one.wait_committed())
    await asyncio.sleep(0)
    assert await one.flush(writer)
    await waiting
    with SessionReader(writer.path) as reader:
        assert [record.payload[0] for record in reader.records()] == [0, 1, 2, 3, 4]
    writer.close()


async def test_a_disk_that_fails_keeps_records_waiting_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = new_session(tmp_path, records=0)
    failures: list[UnavailableError] = []
    one = recorder(failures)
    one.record(1, RecordKind.DATA, b"a")
    with monkeypatch.context() as broken:
        broken.setattr(SessionWriter, "append", _full)
        assert not await one.flush(writer)
        one.record(1, RecordKind.DATA, b"b")
        assert not await one.flush(writer)
    assert len(failures) == 1
    assert await one.flush(writer)
    with SessionReader(writer.path) as reader:
        assert [record.payload for record in reader.records()] == [b"a", b"b"]
    writer.close()


def _full(_writer: SessionWriter, _records: list[Record]) -> int:
    raise UnavailableError("The disk is full.")


async def test_beyond_the_limit_new_records_are_refused_not_old_ones_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MAX_WAITING", 2)
    one = recorder([])
    taken = [one.record(1, RecordKind.DATA, bytes([n])) for n in range(4)]
    assert [record is not None for record in taken] == [True, True, False, False]
    assert one.refused == 2


async def test_a_cancelled_flush_writes_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = new_session(tmp_path, records=0)
    one = recorder([])
    append, begun = SessionWriter.append, asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(self: SessionWriter, records: list[Record]) -> int:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.05)
        return append(self, records)

    monkeypatch.setattr(SessionWriter, "append", slow)
    one.record(1, RecordKind.DATA, b"a")
    flushing = asyncio.create_task(one.flush(writer))
    await begun.wait()
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    assert await one.flush(writer)
    with SessionReader(writer.path) as reader:
        assert [record.payload for record in reader.records()] == [b"a"]
    writer.close()


def options(folder: Path, **more: object) -> CollectorOptions:
    return CollectorOptions(BrokerAddress("127.0.0.1"), folder, **more)  # type: ignore[arg-type]  # the keywords are its own


async def test_a_session_cut_short_a_moment_ago_goes_on(tmp_path: Path) -> None:
    cut = new_session(tmp_path / "sessions", age_s=30)
    cut.close()
    session = await Session.resume_or_start(options(tmp_path), lambda _error: None)
    assert session.writer is not None
    assert session.writer.path == cut.path
    assert session.writer.epoch == 1
    assert session.writer.anchor == cut.anchor, "the monotonic clock ran on"
    assert list(session.members) == ["CW-1"]
    assert session.members["CW-1"].reception.history.rssi_dbm == -64
    session.writer.close()


async def test_an_old_session_cut_short_is_ended_at_its_last_record(tmp_path: Path) -> None:
    cut = new_session(tmp_path / "sessions", age_s=7200)
    cut.close()
    session = await Session.resume_or_start(options(tmp_path), lambda _error: None)
    assert session.writer is None
    (entry,) = list_sessions(tmp_path / "sessions")
    assert entry.summary is not None
    assert entry.summary.ended_utc_ns == pytest.approx(cut.head.started_utc_ns, abs=1000)


async def test_a_session_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    held = new_session(tmp_path / "sessions")
    with pytest.raises(UnavailableError, match="being written by another process"):
        await Session.resume_or_start(options(tmp_path), lambda _error: None)
    held.close()


def test_a_wall_clock_set_between_two_processes_moves_nothing() -> None:
    mono_ns = boot_time_ns()
    last = Anchor(time.time_ns() - 20_000_000_000, mono_ns)
    assert resumed_anchor(last, last_mono_ns=mono_ns, last_wall_ns=time.time_ns(), speed=1.0) == last


def test_a_machine_started_anew_gets_a_new_anchor() -> None:
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    last = Anchor(wall_ns - HOUR_NS, mono_ns + 5 * HOUR_NS)
    anchor = resumed_anchor(last, last_mono_ns=mono_ns + 6 * HOUR_NS, last_wall_ns=wall_ns - 60_000_000_000, speed=1.0)
    assert anchor.utc_of(boot_time_ns()) == pytest.approx(wall_ns + 60_000_000_000, abs=2e8)


def test_an_accelerated_session_always_gets_a_new_anchor() -> None:
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    last = Anchor(wall_ns, mono_ns)
    assert resumed_anchor(last, last_mono_ns=mono_ns, last_wall_ns=wall_ns, speed=8.0) != last


def test_an_accelerated_clock_goes_on_as_fast_as_it_ran() -> None:
    wall_ns = time.time_ns()
    last = Anchor(1_500_000_000_000_000_000, 0)
    anchor = resumed_anchor(last, last_mono_ns=HOUR_NS, last_wall_ns=wall_ns - 2_000_000_000, speed=8.0)
    assert anchor.utc_ns == pytest.approx(last.utc_ns + HOUR_NS + 16_000_000_000, abs=8e8)


def test_a_clock_runs_faster_than_real_time() -> None:
    clock = HostClock(speed=100.0, start_utc_ns=0)
    begin_ns, real_ns = clock.utc_ns(), boot_time_ns()
    time.sleep(0.02)
    assert clock.utc_ns() - begin_ns == pytest.approx(100 * (boot_time_ns() - real_ns), rel=0.2)


def test_an_impossible_speed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="speed 0 is out"):
        options(tmp_path, speed=0).validate()


def test_sensors_are_chosen_by_name_or_address(tmp_path: Path) -> None:
    assert options(tmp_path).includes("anything")
    some = options(tmp_path, sensors=("cw-1", "C0:02"))
    assert [some.includes(*names) for names in (("CW-1", "C0:01"), ("CW-2", "c0:02"), ("CW-3", "C0:03"))] == [
        True,
        True,
        False,
    ]


async def test_each_outage_of_the_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = new_session(tmp_path, records=0)
    reported: list[UnavailableError] = []
    one = recorder(reported)
    for _ in range(2):
        one.record(1, RecordKind.DATA, b"a")
        with monkeypatch.context() as broken:
            broken.setattr(SessionWriter, "append", _full)
            assert not await one.flush(writer)
        assert await one.flush(writer)
    assert len(reported) == 2
    writer.close()


async def test_everything_that_waits_is_written_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_BATCH", 2)
    writer = new_session(tmp_path, records=0)
    one = recorder([])
    for n in range(5):
        one.record(1, RecordKind.DATA, bytes([n]))
    assert await one.flush(writer)
    with SessionReader(writer.path) as reader:
        assert [record.payload[0] for record in reader.records()] == [0, 1, 2, 3, 4]
    writer.close()


@pytest.mark.parametrize(("age_s", "is_resumed"), [(895, True), (905, False)])
async def test_a_session_is_resumed_within_a_quarter_of_an_hour(tmp_path: Path, age_s: float, is_resumed: bool) -> None:
    new_session(tmp_path / "sessions", age_s=age_s).close()
    session = await Session.resume_or_start(options(tmp_path), lambda _error: None)
    assert (session.writer is not None) == is_resumed
    if session.writer is not None:
        session.writer.close()


@pytest.mark.parametrize(("difference_s", "is_same"), [(59, True), (-59, True), (61, False), (-61, False)])
def test_clocks_less_than_a_minute_apart_are_of_the_same_boot(difference_s: int, is_same: bool) -> None:
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    last = Anchor(wall_ns + difference_s * 1_000_000_000, mono_ns)
    resumed = resumed_anchor(last, last_mono_ns=mono_ns, last_wall_ns=wall_ns, speed=1.0)
    assert (resumed == last) == is_same


def test_a_monotonic_clock_that_went_back_is_of_another_boot() -> None:
    mono_ns, wall_ns = boot_time_ns(), time.time_ns()
    last = Anchor(wall_ns, mono_ns)
    assert resumed_anchor(last, last_mono_ns=mono_ns + HOUR_NS, last_wall_ns=wall_ns, speed=1.0) != last


@pytest.mark.parametrize(("speed", "is_possible"), [(0.01, True), (1000, True), (0.0099, False), (1001, False)])
def test_speeds_from_a_hundredth_to_a_thousand_are_possible(tmp_path: Path, speed: float, is_possible: bool) -> None:
    with nullcontext() if is_possible else pytest.raises(ConfigurationError):
        options(tmp_path, speed=speed).validate()


async def test_two_sensors_of_one_name_get_two_ids(tmp_path: Path) -> None:
    session = await Session.resume_or_start(options(tmp_path), lambda _error: None)
    for address in ("C0:00:00:00:00:01", "C0:00:00:00:00:02"):
        await session.add_sensor(FoundSensor("CW-1", address, -60, BLEDevice(address, "CW-1", None)))
    assert list(session.members) == ["CW-1", "CW-1-0002"]
