"""Messages that are published for the records of a sensor."""

import struct
from itertools import pairwise

import pytest
from crampwatch.collector.policy.publications import Publication, RecordTranslator
from crampwatch.decoding.history import SensorHistory
from crampwatch.decoding.profiles.cws import CWS
from crampwatch.journal import Anchor
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import FrameFlag
from crampwatch.protocol.records import Record, RecordKind, SessionHead, SessionSensor
from crampwatch.protocol.temperature import encode_temperature
from crampwatch.protocol.topics import Leaf, Topic
from hypothesis import given
from hypothesis import strategies as st
from signals.sensor_records import BEGIN_NS, MONO_NS, PaperSensor, record, sync_record

HEAD = SessionHead("12345678-1234-5678-1234-567812345678", BEGIN_NS, MONO_NS, 3600, "demo", "test")
SENSOR = SessionSensor(1, "CW-0001", "CW 0001", "C0", "cws", "left", "FHB")


def translator() -> RecordTranslator:
    return RecordTranslator(HEAD, SENSOR, SensorHistory(CWS, {0: Anchor(BEGIN_NS, MONO_NS)}), lambda: "1.2")


def met(sensor: PaperSensor) -> list[Record]:
    return [
        record(RecordKind.CONNECTED, 0, b"{}"),
        record(RecordKind.INFO, 0, sensor.info()),
        sync_record(sensor, 0.01, 0.02, 0.03),
    ]


def frames(sensor: PaperSensor, begin: int, end: int) -> list[Record]:
    return [
        record(RecordKind.DATA, (first + 50) / 1000 + 0.01, sensor.frame(first, 50).encode())
        for first in range(begin, end, 50)
    ]


def of(publications: list[Publication], leaf: Leaf) -> list[bytes]:
    return [one.payload for one in publications if Topic.parse(one.topic).leaf is leaf]


def blocks(publications: list[Publication]) -> list[SampleBlock]:
    return [SampleBlock.decode(payload) for payload in of(publications, Leaf.SAMPLES)]


def notices(publications: list[Publication]) -> list[str]:
    return [messages.decode(payload, messages.Notice).code for payload in of(publications, Leaf.NOTICE)]


@given(st.lists(st.integers(0, 60), max_size=8))
def test_however_records_are_batched_the_same_samples_are_told_at_growing_times(cuts: list[int]) -> None:
    sensor = PaperSensor()
    records = [*met(sensor), *frames(sensor, 0, 2500)]
    one, publications = translator(), list[Publication]()
    for begin, end in pairwise([0, *sorted(cuts), len(records)]):
        publications += one.translate(records[begin:end])
    found = blocks(publications)
    assert found[0].first_index == 0
    assert all(a.next_index == b.first_index for a, b in pairwise(found))
    assert found[-1].next_index == 2500
    assert all(a.first_utc_ns <= b.first_utc_ns for a, b in pairwise(found))
    assert max(len(block.counts) for block in found) <= 250


def test_who_the_sensor_is_is_retained() -> None:
    publications = translator().translate(met(PaperSensor()))
    (info,) = (one for one in publications if one.topic.endswith("/info"))
    assert (info.qos, info.retain) == (1, True)
    message = messages.decode(info.payload, messages.SensorInfo)
    assert (message.placement.side, message.firmware, message.streams[0].lsb_uv) == ("left", "1.2", 2**-22 * 1e6)
    assert (message.started_ns, message.utc_offset_s, message.ended_ns) == (BEGIN_NS, 3600, None)


def test_vitals_are_told_with_a_notice_when_the_battery_runs_low() -> None:
    one = translator()
    publications = one.translate(
        [
            *met(PaperSensor()),
            record(RecordKind.TEMPERATURE, 1, encode_temperature(float("nan"))),
            record(RecordKind.BATTERY, 2, bytes([12])),
            record(RecordKind.BATTERY, 3, bytes([11])),
        ]
    )
    (temperature,) = of(publications, Leaf.TEMPERATURE)
    assert messages.decode(temperature, messages.Temperature).celsius is None
    assert [messages.decode(payload, messages.Battery).percent for payload in of(publications, Leaf.BATTERY)] == [
        12,
        11,
    ]
    assert notices(publications) == ["battery_low"]


def test_an_electrode_that_lost_contact_is_told_until_it_has_it_again() -> None:
    sensor, one = PaperSensor(), translator()
    publications = one.translate(met(sensor))
    for at_s, leads in ((1, 1), (2, 3), (3, 2), (4, 0), (5, 1)):
        event = SensorEvent(EventCode.LEAD_CHANGE, 1, at_s * 1000, sensor.ticks_at(at_s), struct.pack("<H", leads))
        publications += one.translate([record(RecordKind.EVENT, at_s, event.encode())])
    assert notices(publications) == ["lead_off"] * 3


def test_many_broken_frames_are_told_once() -> None:
    one = translator()
    publications = one.translate(met(PaperSensor()))
    for _ in range(60):
        publications += one.translate([record(RecordKind.DATA, 1, b"nonsense nonsense")])
    assert notices(publications) == ["broken_frames"]


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    sensor = PaperSensor()
    records = [*met(sensor), *frames(sensor, 0, 1000), record(RecordKind.BATTERY, 2, bytes([9]))]
    one = translator()
    for earlier in records:
        one.replay(earlier)
    publications = one.translate([*frames(sensor, 900, 1500), record(RecordKind.BATTERY, 3, bytes([8]))])
    assert next((block.first_index, block.next_index) for block in blocks(publications)) == (1000, 1250)
    assert notices(publications) == []


def test_a_reboot_within_a_batch_keeps_each_boot_to_its_own_clock() -> None:
    before, after = PaperSensor(boot_id=1), PaperSensor(boot_id=2)
    again = [
        record(RecordKind.INFO, 100, after.info()),
        sync_record(after, 0.01, 0.02, 0.03),
        record(RecordKind.DATA, 100.1, after.frame(0, 50, FrameFlag.CLIPPED).encode()),
    ]
    publications = translator().translate([*met(before), *frames(before, 0, 500), *again])
    found = blocks(publications)
    assert [block.boot_id for block in found] == [1, 1, 2]
    assert found[1].first_utc_ns < BEGIN_NS + 1_000_000_000


def test_twenty_broken_frames_are_worth_a_notice() -> None:
    one = translator()
    one.translate(met(PaperSensor()))
    broken = [record(RecordKind.DATA, 1, b"nonsense nonsense")]
    assert notices(one.translate(broken * 19)) == []
    assert notices(one.translate(broken)) == ["broken_frames"]


def test_an_event_of_another_length_says_nothing_of_electrodes() -> None:
    sensor, one = PaperSensor(), translator()
    one.translate(met(sensor))
    for payload in (b"\x01", b"\x01\x00\x00"):
        event = SensorEvent(EventCode.LEAD_CHANGE, 1, 1000, sensor.ticks_at(1), payload)
        assert one.translate([record(RecordKind.EVENT, 1, event.encode())]) == []


def test_block_times_do_not_run_backwards_when_the_clock_is_corrected() -> None:
    sensor, one = PaperSensor(), translator()

    def delayed(begin: int, end: int) -> list[Record]:
        return [
            record(RecordKind.DATA, (first + 50) / 1000 + 0.95, sensor.frame(first, 50).encode())
            for first in range(begin, end, 50)
        ]

    wide, tight = sync_record(sensor, 0.01, 0.01, 0.95), sync_record(sensor, 2.0, 2.001, 2.002)
    said = one.translate([*met(sensor)[:2], wide, *delayed(0, 1000)])
    said += one.translate([tight, *delayed(1000, 1500)])
    times_ns = [block.first_utc_ns for block in blocks(said)]
    assert times_ns[3] - times_ns[0] == pytest.approx(750_000_000, abs=1e6)
    assert times_ns[3] == times_ns[4], "the correction would move it to before the block that was published"
    assert times_ns == sorted(times_ns)


def test_samples_that_come_late_keep_the_time_they_were_measured_at() -> None:
    sensor, one = PaperSensor(), translator()
    said = one.translate([*met(sensor), *frames(sensor, 0, 500), *frames(sensor, 750, 1000)])
    said += one.translate(
        [record(RecordKind.STORED_DATA, 2, sensor.frame(first, 50).encode()) for first in range(500, 750, 50)]
    )
    by_index = {block.first_index: block.first_utc_ns for block in blocks(said)}
    assert by_index[500] - by_index[0] == pytest.approx(500_000_000, abs=1e6)
