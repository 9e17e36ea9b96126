"""What a decoded session must keep to, however the sensor, the clock or the records behave."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import EventReceived, LinkChange, SensorDescribed
from crampwatch.decoding.profiles.cws import CWS
from crampwatch.decoding.session import BootStarted, decode_session
from crampwatch.journal import Anchor, SessionReader
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import FrameFlag
from crampwatch.protocol.info import Capability
from crampwatch.protocol.record_payloads import LostSamples, SyncExchange
from crampwatch.protocol.records import Record, RecordKind
from signals.sensor_records import BEGIN_NS, MONO_NS, PaperSensor, record, sync_record, write_session

STEP = 50
S = 1_000_000_000


def described(sensor: PaperSensor, at_s: float = 0.0) -> list[Record]:
    return [
        record(RecordKind.CONNECTED, at_s, b"{}"),
        record(RecordKind.INFO, at_s, sensor.info(at_s)),
        sync_record(sensor, at_s, at_s + 0.01, at_s + 0.02),
    ]


def frames(sensor: PaperSensor, first: int, end: int, *, delay_s: float = 0.01) -> list[Record]:
    return [
        record(RecordKind.DATA, sensor.time_of(index + STEP) + delay_s, sensor.frame(index, STEP).encode())
        for index in range(first, end, STEP)
    ]


def shifted(one: Record, by_ns: int) -> Record:
    """Return a record that arrived at another time, by the host's monotonic clock."""
    payload = one.payload
    if one.kind is RecordKind.SYNC:
        exchange = SyncExchange.decode(payload)
        moved = replace(exchange, before_ns=exchange.before_ns + by_ns, after_ns=exchange.after_ns + by_ns)
        payload = moved.encode()
    return replace(one, mono_ns=one.mono_ns + by_ns, utc_ns=one.utc_ns + by_ns, payload=payload)


def history() -> SensorHistory:
    return SensorHistory(CWS, {0: Anchor(BEGIN_NS, MONO_NS)})


def blocks_of(path: Path, *, block_s: float = 1.0) -> list[SampleBlock]:
    with SessionReader(path) as reader:
        items = [item for _, item in decode_session(reader, block_s=block_s)]
    return [item for item in items if isinstance(item, SampleBlock)]


def test_what_was_lost_before_a_reboot_stays_lost() -> None:
    before, after = PaperSensor(boot_id=1), PaperSensor(boot_id=2)
    one = history()
    for item in [*described(before), *frames(before, 0, 1000), *frames(before, 2000, 3000)]:
        one.handle(item)
    one.handle(record(RecordKind.STORED_DATA, 4, before.frame(1000, STEP, FrameFlag.STORED).encode()))
    assert (one.received_samples, one.backfilled_samples, one.missing_samples) == (2000, 50, 950)
    for item in described(after, 10):
        one.handle(shifted(item, 0))
    assert (one.received_samples, one.backfilled_samples, one.missing_samples) == (2000, 50, 950)
    first = after.index_at(10)
    for item in [*frames(after, first, first + 100), *frames(after, first + 200, first + 300)]:
        one.handle(item)
    assert (one.received_samples, one.backfilled_samples, one.missing_samples) == (2200, 50, 1050)


def test_a_reconnection_is_the_same_boot_and_forgets_nothing() -> None:
    sensor, one = PaperSensor(), history()
    seen = [one.handle(item) for item in [*described(sensor), *frames(sensor, 0, 100), *described(sensor, 1.0)]]
    assert [item.is_new for item in seen if isinstance(item, SensorDescribed)] == [True, False]
    assert (one.received_samples, one.missing_samples, one.connections) == (100, 900, 2)


def test_a_connection_begins_and_ends() -> None:
    one = history()
    is_connected = [one.is_connected]
    for kind, at_s in ((RecordKind.CONNECTED, 1), (RecordKind.DISCONNECTED, 2)):
        change = one.handle(record(kind, at_s, b"{}"))
        is_connected.append(one.is_connected)
        assert change == LinkChange(BEGIN_NS + at_s * S, connected=one.is_connected)
    assert is_connected == [False, True, False]
    assert one.connections == 1


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (RecordKind.DATA, PaperSensor().frame(0, 50).encode()),
        (RecordKind.EVENT, SensorEvent(EventCode.BUTTON, 0, 0, 0).encode()),
        (RecordKind.SYNC, SyncExchange(1, 2, 3, 4).encode()),
        (RecordKind.GAP, LostSamples(1, 0, 50).encode()),
    ],
)
def test_what_comes_before_the_sensor_is_described_counts_as_broken(kind: RecordKind, payload: bytes) -> None:
    one = history()
    assert one.handle(record(kind, 1, payload)) is None
    assert one.broken_frames == 1


def test_a_record_of_an_epoch_that_the_session_does_not_have_counts_as_broken() -> None:
    one = history()
    assert one.handle(replace(record(RecordKind.CONNECTED, 1, b"{}"), epoch=1)) is None
    assert (one.broken_frames, one.is_connected) == (1, False)


@pytest.mark.parametrize("payload", [b"", b"\xb9\x00"])
def test_a_signal_strength_of_another_length_counts_as_broken(payload: bytes) -> None:
    one = history()
    one.handle(record(RecordKind.RSSI, 1, payload))
    assert (one.broken_frames, one.rssi_dbm) == (1, None)


def test_records_that_only_a_person_reads_mean_nothing_here() -> None:
    one = history()
    assert one.handle(record(RecordKind.CLOCK_STEP, 1, b"")) is None
    assert one.handle(record(RecordKind.CONTROL_REPLY, 1, b"")) is None
    assert one.broken_frames == 0


def test_a_gap_of_an_unknown_stream_is_ignored() -> None:
    sensor, one = PaperSensor(), history()
    for item in [*described(sensor), *frames(sensor, 100, 200)]:
        one.handle(item)
    one.handle(record(RecordKind.GAP, 1, LostSamples(9, 0, 100).encode()))
    assert one.boot is not None
    assert one.boot.primary.gaps == ((0, 100),)


def test_an_event_is_timed_by_the_sensors_own_clock() -> None:
    sensor, one = PaperSensor(first_ticks=2**32 - 2000), history()
    for item in [*described(sensor), *frames(sensor, 0, 100)]:
        one.handle(item)
    event = SensorEvent(EventCode.BUTTON, 0, 0, sensor.ticks_at(0.1) & 0xFFFFFFFF)
    seen = one.handle(record(RecordKind.EVENT, 0.2, event.encode()))
    assert isinstance(seen, EventReceived)
    assert seen.ticks == sensor.ticks_at(0.1)


def test_block_times_never_run_backwards(tmp_path: Path) -> None:
    """The host's clock is set back by 30 s in the middle: a second fit begins, and its times overlap the first."""
    sensor = PaperSensor()
    early = [*described(sensor), *frames(sensor, 0, 20_000)]
    late = [sync_record(sensor, 20.0, 20.01, 20.02), *frames(sensor, 20_000, 60_000)]
    path = write_session(tmp_path, [*early, *(shifted(one, -30 * S) for one in late)])
    found = blocks_of(path)
    assert sum(len(block.counts) for block in found) == 60_000
    times = [block.first_utc_ns for block in found]
    assert all(before <= after for before, after in pairwise(times))
    held = [block.first_index for block in found if block.first_utc_ns == max(times[:20])]
    assert len(held) >= 29, "until the second fit has caught up, blocks stay at the latest time"
    assert times[-1] == pytest.approx(BEGIN_NS + 29 * S, abs=5e7)


def test_a_boot_begins_no_later_than_its_first_sample(tmp_path: Path) -> None:
    sensor = PaperSensor()
    described_late = [
        record(RecordKind.INFO, 0.5, sensor.info(0.0)),
        sync_record(sensor, 0.5, 0.51, 0.52),
        *frames(sensor, 0, 2000, delay_s=0.5),
    ]
    with SessionReader(write_session(tmp_path, described_late)) as reader:
        items = [item for _, item in decode_session(reader)]
    start = next(item for item in items if isinstance(item, BootStarted))
    first = next(item for item in items if isinstance(item, SampleBlock))
    assert start.utc_ns == first.first_utc_ns < BEGIN_NS + S // 4


@pytest.mark.parametrize(("block_s", "longest"), [(0.1, 100), (0.149, 100), (0.15, 150), (0.01, 50)])
def test_a_block_is_as_long_as_was_asked_for_in_whole_frames(tmp_path: Path, block_s: float, longest: int) -> None:
    sensor = PaperSensor()
    path = write_session(tmp_path, [*described(sensor), *frames(sensor, 0, 900)])
    lengths = [len(block.counts) for block in blocks_of(path, block_s=block_s)]
    assert set(lengths) == {longest}


def test_no_block_is_longer_than_one_can_be(tmp_path: Path) -> None:
    sensor = PaperSensor()
    path = write_session(tmp_path, [*described(sensor), *frames(sensor, 0, 66_000)])
    assert [len(block.counts) for block in blocks_of(path, block_s=3600.0)] == [65_500, 500]


def test_a_change_of_flags_begins_a_new_block(tmp_path: Path) -> None:
    sensor = PaperSensor()
    clipped = [replace(sensor.frame(index, STEP), flags=FrameFlag.CLIPPED) for index in (100, 150)]
    records = [
        *described(sensor),
        *frames(sensor, 0, 100),
        *(record(RecordKind.DATA, 0.21, frame.encode()) for frame in clipped),
        *frames(sensor, 200, 300),
    ]
    found = blocks_of(write_session(tmp_path, records))
    assert [(block.first_index, len(block.counts)) for block in found] == [(0, 100), (100, 100), (200, 100)]


def test_two_boots_with_the_same_indices_are_kept_apart(tmp_path: Path) -> None:
    before, after = PaperSensor(boot_id=1), PaperSensor(boot_id=2)
    records = [*described(before), *frames(before, 0, 100)]
    records += [shifted(one, 100 * S) for one in [*described(after), *frames(after, 0, 100)]]
    found = blocks_of(write_session(tmp_path, records))
    assert [(block.boot_id, block.first_index, len(block.counts)) for block in found] == [(1, 0, 100), (2, 0, 100)]


def test_what_was_simulated_stays_marked(tmp_path: Path) -> None:
    sensor = PaperSensor()
    for capability, mark in ((Capability.SIMULATED, "SIMULATED"), (Capability.REPLAY, "REPLAY"), (Capability(0), "")):
        info = record(RecordKind.INFO, 0, sensor.info(capabilities=capability))
        (block,) = blocks_of(write_session(tmp_path / (mark or "live"), [info, *frames(sensor, 0, 100)]))
        assert (block.flags.name or "") == mark
