"""From the records of a session to samples at their time, without a radio."""

import random
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.observation import BatteryReading, TemperatureReading
from crampwatch.decoding.profiles.cws import CWS
from crampwatch.decoding.session import BootStarted, DecodedItem, SensorEventAt, decode_session
from crampwatch.journal import Anchor, SessionReader
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import FrameFlag
from crampwatch.protocol.record_payloads import LostSamples, SyncExchange
from crampwatch.protocol.records import Record, RecordKind
from crampwatch.protocol.temperature import encode_temperature
from signals.sensor_records import BEGIN_NS, MONO_NS, PaperSensor, counts_at, record, sync_record, write_session

STEP = 50


def connection(sensor: PaperSensor, at_s: float) -> list[Record]:
    return [
        record(RecordKind.CONNECTED, at_s, b'{"address": "C0", "mtu": 247}'),
        record(RecordKind.INFO, at_s, sensor.info(at_s)),
        *(sync_record(sensor, at_s + n / 50, at_s + n / 50 + 0.01, at_s + n / 50 + 0.02) for n in range(5)),
    ]


def frames(sensor: PaperSensor, begin_s: float, end_s: float, *, delay_s: float = 0.01) -> list[Record]:
    first, last = sensor.index_at(begin_s), sensor.index_at(end_s)
    return [
        record(RecordKind.DATA, sensor.time_of(index + STEP) + delay_s, sensor.frame(index, STEP).encode())
        for index in range(first, last - STEP + 1, STEP)
    ]


def stored(sensor: PaperSensor, first: int, end: int, at_s: float) -> list[Record]:
    return [
        record(RecordKind.STORED_DATA, at_s, sensor.frame(index, min(57, end - index), FrameFlag.STORED).encode())
        for index in range(first, end, 57)
    ]


def broken(one: Record, rng: random.Random) -> Record:
    corrupted = bytearray(one.payload)
    corrupted[rng.randrange(len(corrupted))] ^= 1 << rng.randrange(8)
    return Record(0, one.sensor_key, one.kind, one.mono_ns, one.utc_ns, bytes(corrupted))


def decoded(path: Path, block_s: float = 1.0) -> list[DecodedItem]:
    with SessionReader(path) as reader:
        return [item for _, item in decode_session(reader, block_s=block_s)]


def blocks(items: list[DecodedItem]) -> list[SampleBlock]:
    return [item for item in items if isinstance(item, SampleBlock)]


def spans(found: list[SampleBlock]) -> list[tuple[int, int]]:
    """Return what is there, neighbours joined, having checked the counts and that nothing is out of order."""
    joined: list[tuple[int, int]] = []
    for block in found:
        assert np.array_equal(block.counts, counts_at(block.first_index, len(block.counts)))
        if joined and joined[-1][1] == block.first_index:
            joined[-1] = (joined[-1][0], block.next_index)
        else:
            assert not joined or joined[-1][1] < block.first_index
            joined.append((block.first_index, block.next_index))
    return joined


@pytest.mark.parametrize("block_s", [0.02, 1.0, 7.0])
def test_what_was_backfilled_stands_where_it_was_missed(tmp_path: Path, block_s: float) -> None:
    sensor = PaperSensor(first_index=2**32 - 4000, first_ticks=2**32 - 9000, ppm=40)
    records = [*connection(sensor, 0), *frames(sensor, 0, 5)]
    records += [record(RecordKind.DISCONNECTED, 6, b"out of range"), *connection(sensor, 9), *frames(sensor, 9.5, 20)]
    gap = (sensor.index_at(5) - sensor.index_at(5) % STEP, sensor.index_at(9.5))
    records += stored(sensor, gap[0] - 300, gap[1] + 300, 15)
    found = blocks(decoded(write_session(tmp_path, records, end_s=21), block_s))
    ((first, end),) = spans(found)
    assert first == sensor.first_index
    assert end > 2**32 + 14_000
    assert max(len(block.counts) for block in found) <= max(57, block_s * 1000)
    for block in found:
        true_ns = BEGIN_NS + sensor.time_of(block.first_index) * 1e9
        assert abs(block.first_utc_ns - true_ns) < 5e6
        assert BlockFlag.SIMULATED in block.flags
    assert sum(len(b.counts) for b in found if BlockFlag.STORED in b.flags) >= gap[1] - gap[0] - STEP


def test_any_loss_repetition_and_corruption_leaves_exactly_the_rest(tmp_path: Path) -> None:
    rng = random.Random(5)
    sensor = PaperSensor()
    expected: set[int] = set()
    records = connection(sensor, 0)
    for one in frames(sensor, 0, 60):
        fate = rng.choice(["lost", "broken", "twice", "fine", "fine"])
        if fate == "broken":
            records.append(broken(one, rng))
        elif fate != "lost":
            first = CWS.decode_frame(one.payload).first_index
            expected |= set(range(first, first + STEP))
            records += [one] * (2 if fate == "twice" else 1)
    found = spans(blocks(decoded(write_session(tmp_path, records))))
    assert {index for a, b in found for index in range(a, b)} == expected


def test_a_sensor_that_lost_power_counts_anew(tmp_path: Path) -> None:
    before, after = PaperSensor(boot_id=1), PaperSensor(boot_id=2)
    records = [*connection(before, 0), *frames(before, 0, 3)]
    later = [*connection(after, 0), *frames(after, 0, 2)]
    shifted = [
        Record(0, 1, r.kind, r.mono_ns + 10**10, r.utc_ns + 10**10, _shifted_sync(r) if r.kind == 10 else r.payload)
        for r in later
    ]
    items = decoded(write_session(tmp_path, records + shifted))
    assert [item.info.boot_id for item in items if isinstance(item, BootStarted)] == [1, 2]
    found = blocks(items)
    assert spans([b for b in found if b.boot_id == 1]) == [(0, 3000)]
    assert spans([b for b in found if b.boot_id == 2]) == [(0, 2000)]
    second = next(b for b in found if b.boot_id == 2)
    assert second.first_utc_ns == pytest.approx(BEGIN_NS + 10**10, abs=2e7)


def _shifted_sync(one: Record) -> bytes:
    exchange = SyncExchange.decode(one.payload)
    return replace(exchange, before_ns=exchange.before_ns + 10**10, after_ns=exchange.after_ns + 10**10).encode()


def test_a_step_of_the_wall_clock_moves_nothing(tmp_path: Path) -> None:
    sensor = PaperSensor()
    records = [*connection(sensor, 0), *frames(sensor, 0, 30)]
    stepped = [
        Record(0, 1, r.kind, r.mono_ns, r.utc_ns + (3_600_000_000_000 if n > 200 else 0), r.payload)
        for n, r in enumerate(records)
    ]
    plain = blocks(decoded(write_session(tmp_path / "a", records)))
    moved = blocks(decoded(write_session(tmp_path / "b", stepped)))
    assert [b.first_utc_ns for b in plain] == [b.first_utc_ns for b in moved]


def test_vitals_and_events_stand_at_their_time_among_the_samples(tmp_path: Path) -> None:
    sensor = PaperSensor()
    late_event = SensorEvent(EventCode.BUTTON, 0, 2000, sensor.ticks_at(2.0), b"")
    records = [
        *connection(sensor, 0),
        *frames(sensor, 0, 4),
        record(RecordKind.TEMPERATURE, 4.0, encode_temperature(31.5)),
        record(RecordKind.BATTERY, 4.1, bytes([77])),
        record(RecordKind.BATTERY, 4.2, bytes([177])),
        record(RecordKind.EVENT, 9.0, late_event.encode()),
        *frames(sensor, 4, 12),
    ]
    items = decoded(write_session(tmp_path, records))
    times = [item.first_utc_ns if isinstance(item, SampleBlock) else item.utc_ns for item in items]
    assert all(a <= b for a, b in pairwise(times))
    (event,) = (item for item in items if isinstance(item, SensorEventAt))
    assert event.utc_ns == pytest.approx(BEGIN_NS + 2e9, abs=1e7)
    assert [item.celsius for item in items if isinstance(item, TemperatureReading)] == [31.5]
    assert [item.percent for item in items if isinstance(item, BatteryReading)] == [77]
    assert isinstance(next(item for item in items if isinstance(item, BootStarted | SampleBlock)), BootStarted)


def test_a_gain_holds_from_its_sample_on(tmp_path: Path) -> None:
    sensor = PaperSensor()
    change = SensorEvent(EventCode.GAIN_CHANGED, 1, 1000, sensor.ticks_at(1.0), struct.pack("<f", 2**-20))
    records = [
        *connection(sensor, 0),
        *frames(sensor, 0, 1),
        record(RecordKind.EVENT, 1.0, change.encode()),
        *frames(sensor, 1, 2),
    ]
    found = blocks(decoded(write_session(tmp_path, records), block_s=10))
    assert [(b.first_index, b.lsb) for b in found] == [(0, 2**-22), (1000, 2**-20)]


def test_another_sensor_is_told_which_there_are(tmp_path: Path) -> None:
    with (
        SessionReader(write_session(tmp_path, [])) as reader,
        pytest.raises(RecordingError, match="It has: CW-0001"),
    ):
        list(decode_session(reader, sensor="CW-9"))


def test_a_session_without_frames_has_no_samples(tmp_path: Path) -> None:
    assert blocks(decoded(write_session(tmp_path, connection(PaperSensor(), 0)))) == []


def test_a_history_counts_what_came_was_lost_and_was_broken() -> None:
    sensor = PaperSensor()
    history = SensorHistory(CWS, {0: Anchor(BEGIN_NS, MONO_NS)})
    for one in [*connection(sensor, 0), *frames(sensor, 0, 2), *frames(sensor, 3, 4)]:
        history.handle(one)
    history.handle(record(RecordKind.DATA, 5, b"\x00" * 40))
    history.handle(record(RecordKind.INFO, 5, b"\x07"))
    for one in stored(sensor, 2000, 2500, 6):
        history.handle(one)
    gap = LostSamples(1, 2500, 400).encode()
    history.handle(record(RecordKind.GAP, 7, gap))
    history.handle(record(RecordKind.RSSI, 7, b"\xb9"))
    assert history.boot is not None
    assert (history.received_samples, history.backfilled_samples, history.missing_samples) == (3000, 500, 500)
    assert history.boot.primary.gaps == ((2900, 3000),)
    assert (history.broken_frames, history.connections, history.rssi_dbm) == (2, 1, -71)
