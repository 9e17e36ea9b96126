"""A recorded session, replayed byte for byte."""

from collections.abc import Iterator

import pytest
from crampwatch.firmware_sim.device.device import Device, DeviceConfig
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.firmware_sim.device.replay import ReplayDevice
from crampwatch.firmware_sim.device.timeline import Timeline
from crampwatch.protocol.control import Backfill, BackfillDone, Opcode, Reply, Request, RingReport, Status, SyncReply
from crampwatch.protocol.errors import RecordingError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from crampwatch.protocol.info import Capability, Info
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.record_payloads import SyncExchange
from crampwatch.protocol.records import Record, RecordKind
from lanes.radio_lane import Ramp, indices

START = Request(Opcode.START, 1, b"\x02\x00").encode()
KINDS = {
    Channel.DATA: RecordKind.DATA,
    Channel.STORED_DATA: RecordKind.STORED_DATA,
    Channel.EVENT: RecordKind.EVENT,
    Channel.TEMPERATURE: RecordKind.TEMPERATURE,
    Channel.BATTERY: RecordKind.BATTERY,
    Channel.CONTROL: RecordKind.CONTROL_REPLY,
}


class Tape:
    """Records what a simulated sensor sends, as a collector does."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.epoch = 0
        self.mono_offset_s = 1_000.0

    def add(self, kind: RecordKind, payload: bytes, now_s: float) -> None:
        mono_ns = round((now_s + self.mono_offset_s) * 1e9)
        utc_ns = round((now_s + 1.7e9) * 1e9)
        self.records.append(Record(len(self.records) + 1, 1, kind, mono_ns, utc_ns, payload, self.epoch))

    def take(self, device: Device, now_s: float) -> None:
        while (outgoing := device.next_outgoing(may_indicate=True)) is not None:
            self.add(KINDS[outgoing.channel], outgoing.value, now_s)

    def connect(self, device: Device, now_s: float) -> None:
        device.connect(now_s)
        device.set_mtu(247)
        self.add(RecordKind.INFO, device.info(now_s), now_s)
        subscribe(device, now_s)
        device.handle_request(now_s, START)
        self.take(device, now_s)

    def stream(self, device: Device, begin_s: float, end_s: float) -> None:
        for step in range(1, round((end_s - begin_s) / 0.05) + 1):
            now_s = begin_s + step * 0.05
            device.advance(now_s)
            self.take(device, now_s)

    def sync(self, device: Device, now_s: float) -> None:
        device.handle_request(now_s, Request(Opcode.SYNC, 5).encode())
        outgoing = device.next_outgoing(may_indicate=True)
        assert outgoing is not None
        pair = SyncReply.decode(Reply.decode(outgoing.value).params)
        before_ns, after_ns = (round((now_s + self.mono_offset_s + half_s) * 1e9) for half_s in (-0.02, 0.02))
        exchange = SyncExchange(before_ns, after_ns, pair.ticks, pair.index)
        self.add(RecordKind.SYNC, exchange.encode(), now_s + 0.02)

    def script(self) -> Timeline:
        def read() -> Iterator[Record]:
            return iter(self.records)

        return Timeline(read)

    def payloads(self, *kinds: RecordKind) -> list[bytes]:
        return [record.payload for record in self.records if record.kind in kinds]


def subscribe(device: Device | ReplayDevice, now_s: float) -> None:
    for channel in Channel:
        device.subscribe(now_s, channel, enabled=True)


def drained(device: ReplayDevice) -> list[Outgoing]:
    taken = []
    while (outgoing := device.next_outgoing(may_indicate=True)) is not None:
        taken.append(outgoing)
    return taken


def values(taken: list[Outgoing], *channels: Channel) -> list[bytes]:
    return [one.value for one in taken if one.channel in channels]


def ask(device: ReplayDevice, now_s: float, opcode: int, params: bytes = b"") -> Reply:
    device.handle_request(now_s, Request(opcode, 9, params).encode())
    outgoing = device.next_outgoing(may_indicate=True)
    assert outgoing is not None
    return Reply.decode(outgoing.value)


@pytest.fixture
def tape() -> Tape:
    """Two stretches of 3 s with 2 s between them, which were then fetched."""
    tape, device = Tape(), Device(DeviceConfig("CW-0001", boot_id=77), Ramp(off_s=(2.0, 2.5)))
    tape.connect(device, 1.0)
    tape.sync(device, 1.0)
    tape.stream(device, 1.0, 4.0)
    device.disconnect(4.0)
    tape.connect(device, 6.0)
    missed = Backfill(1, 3_965, 2_036)
    device.handle_request(6.0, Request(Opcode.BACKFILL, 2, missed.encode()).encode())
    tape.stream(device, 6.0, 9.0)
    tape.sync(device, 9.0)
    return tape


def play(device: ReplayDevice, begin_s: float, end_s: float) -> list[Outgoing]:
    taken = []
    for step in range(round((end_s - begin_s) / 0.01) + 1):
        device.advance(begin_s + step * 0.01)
        taken += drained(device)
    return taken


def started(tape: Tape, now_s: float = 50.0) -> ReplayDevice:
    device = ReplayDevice("CW-0001", tape.script())
    device.connect(now_s)
    subscribe(device, now_s)
    assert ask(device, now_s, Opcode.START, b"\x02\x00").status is Status.SUCCESS
    return device


def test_notifications_are_played_octet_by_octet_in_order(tape: Tape) -> None:
    played = play(started(tape), 50.0, 60.0)
    kinds = (RecordKind.DATA, RecordKind.EVENT, RecordKind.TEMPERATURE, RecordKind.BATTERY)
    channels = (Channel.DATA, Channel.EVENT, Channel.TEMPERATURE, Channel.BATTERY)
    last, *_ = values(played[::-1], Channel.EVENT)
    assert SensorEvent.decode(last).code == EventCode.STREAM_ENDED
    assert values(played, *channels) == [*tape.payloads(*kinds), last]


def test_notifications_are_played_at_their_distances(tape: Tape) -> None:
    device = started(tape)
    first = next(record for record in tape.records if record.kind in set(KINDS.values()) - {RecordKind.CONTROL_REPLY})
    for record in tape.records:
        if record.kind is RecordKind.DATA:
            at_s = 50.0 + (record.mono_ns - first.mono_ns) * 1e-9
            device.advance(at_s - 0.001)
            assert record.payload not in values(drained(device), Channel.DATA)
            device.advance(at_s + 0.001)
            assert record.payload in values(drained(device), Channel.DATA)


def test_nothing_is_played_before_the_first_start(tape: Tape) -> None:
    device = ReplayDevice("CW-0001", tape.script())
    device.connect(0.0)
    subscribe(device, 0.0)
    assert play(device, 0.0, 5.0) == []
    assert device.next_due_s(5.0) == 6.0


def test_info_is_what_was_recorded_with_the_mark_of_a_replay(tape: Tape) -> None:
    recorded = tape.payloads(RecordKind.INFO)[0]
    value = started(tape).info(50.0)
    assert Info.decode(value).origin is Origin.DEMO
    assert Info.decode(value).boot_id == 77
    marked = Info.decode(recorded).capabilities | Capability.REPLAY
    assert value == recorded[:6] + marked.to_bytes(2, "little") + recorded[8:]


def test_what_was_fetched_then_answers_backfills_octet_by_octet(tape: Tape) -> None:
    device = started(tape)
    play(device, 50.0, 60.0)
    reply = ask(device, 60.0, Opcode.BACKFILL, Backfill(1, 3_965, 2_036).encode())
    assert reply.status is Status.SUCCESS
    taken = drained(device)
    stored = values(taken, Channel.STORED_DATA)
    assert stored == tape.payloads(RecordKind.STORED_DATA)
    done = Reply.decode(values(taken, Channel.CONTROL)[-1])
    assert BackfillDone.decode(done.params) == BackfillDone(len(stored), 2_036)


def test_every_sample_of_the_recording_can_be_had(tape: Tape) -> None:
    device = started(tape)
    live = indices(values(play(device, 50.0, 60.0), Channel.DATA))
    ask(device, 60.0, Opcode.BACKFILL, Backfill(1, live[0], live[-1] - live[0] + 1).encode())
    stored = indices(values(drained(device), Channel.STORED_DATA))
    assert sorted({*live, *stored}) == list(range(live[0], live[-1] + 1))


def test_frames_that_no_host_received_can_be_backfilled(tape: Tape) -> None:
    device = started(tape)
    before = indices(values(play(device, 50.0, 51.0), Channel.DATA))
    device.disconnect(51.0)
    device.connect(52.0)
    subscribe(device, 52.0)
    ask(device, 52.0, Opcode.START, b"\x02\x00")
    after = indices(values(play(device, 52.0, 52.5), Channel.DATA))
    missed = Backfill(1, before[-1] + 1, after[0] - before[-1] - 1)
    assert missed.count > 900
    ask(device, 52.5, Opcode.BACKFILL, missed.encode())
    stored = values(drained(device), Channel.STORED_DATA)
    assert indices(stored) == list(range(missed.first_index, after[0]))
    assert all(FrameFlag.STORED in Frame.decode(packet).flags for packet in stored)


def test_ticks_and_index_go_on_as_they_did(tape: Tape) -> None:
    device = started(tape)
    play(device, 50.0, 52.0)
    pair = SyncReply.decode(ask(device, 52.0, Opcode.SYNC).params)
    assert pair.ticks == pytest.approx(3.0 * 32_768, abs=40), "two seconds after a boot of one second ago"
    assert pair.index == pytest.approx(3_000, abs=60)
    report = RingReport.decode(ask(device, 52.0, Opcode.INFO).params)
    assert report.boot_id == 77
    assert report.rings[0][1].next_index == pytest.approx(3_000, abs=110), "as far as frames were played"


@pytest.mark.parametrize(
    ("opcode", "params", "status"),
    [
        (99, b"", Status.UNKNOWN_OPCODE),
        (Opcode.START, b"", Status.BAD_LENGTH),
        (Opcode.START, b"\x04\x00", Status.BAD_PARAMETER),
        (Opcode.STOP, b"\x00\x00", Status.BAD_PARAMETER),
        (Opcode.BACKFILL, b"", Status.BAD_LENGTH),
        (Opcode.BACKFILL, Backfill(2, 0, 1).encode(), Status.BAD_PARAMETER),
        (Opcode.BACKFILL, Backfill(1, 0, 1).encode(), Status.NOT_AVAILABLE),
        (Opcode.ABORT, b"", Status.NOT_AVAILABLE),
        (Opcode.SELF_TEST, b"\x01", Status.NOT_AVAILABLE),
        (Opcode.SET, b"\x01x", Status.NOT_AVAILABLE),
    ],
)
def test_requests_a_recording_cannot_serve_are_refused(tape: Tape, opcode: int, params: bytes, status: Status) -> None:
    assert ask(started(tape), 50.0, opcode, params).status is status


def test_a_reboot_in_the_recording_is_replayed_as_a_reboot(tape: Tape) -> None:
    second = Device(DeviceConfig("CW-0001", boot_id=78), Ramp())
    tape.connect(second, 20.0)
    tape.stream(second, 20.0, 21.0)
    device = started(tape)
    first_boot = values(play(device, 50.0, 70.0), Channel.DATA)
    hung_up_first = device.is_about_to_reboot
    device.disconnect(70.0)
    device.connect(71.0)
    subscribe(device, 71.0)
    assert Info.decode(device.info(71.0)).boot_id == 78
    ask(device, 71.0, Opcode.START, b"\x02\x00")
    second_boot = values(play(device, 71.0, 75.0), Channel.DATA)
    assert (hung_up_first, device.is_about_to_reboot) == (True, False)
    assert first_boot + second_boot == tape.payloads(RecordKind.DATA)


def test_across_a_restart_of_the_recorder_the_wall_clock_gives_the_distance(tape: Tape) -> None:
    data = [record for record in tape.records if record.kind is RecordKind.DATA]
    half = len(data) // 2
    tape.records = [
        record
        if record.seq <= data[half].seq
        else Record(record.seq, 1, record.kind, record.mono_ns - 900_000_000_000, record.utc_ns, record.payload, 1)
        for record in tape.records
    ]
    assert values(play(started(tape), 50.0, 60.0), Channel.DATA) == tape.payloads(RecordKind.DATA)


def test_broken_frames_are_played_broken(tape: Tape) -> None:
    tape.add(RecordKind.DATA, b"nonsense", 9.1)
    tape.add(RecordKind.STORED_DATA, b"nonsense", 9.1)
    assert b"nonsense" in values(play(started(tape), 50.0, 60.0), Channel.DATA)


def test_a_recording_without_info_is_refused() -> None:
    tape = Tape()
    tape.add(RecordKind.DATA, b"", 0.0)
    tape.add(RecordKind.INFO, b"nonsense", 0.0)
    with pytest.raises(RecordingError, match="no description"):
        tape.script()
