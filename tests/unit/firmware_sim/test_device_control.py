"""The Control characteristic of the simulated sensor: every opcode, and the right status for each misuse."""

import pytest
from crampwatch.firmware_sim.device.device import Device, DeviceConfig
from crampwatch.firmware_sim.device.outgoing import Channel, Outgoing
from crampwatch.protocol.control import (
    Backfill,
    BackfillDone,
    Opcode,
    Reply,
    Request,
    RingReport,
    SettingKey,
    Status,
    SyncReply,
    stream_mask,
)
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame, FrameFlag
from hypothesis import given
from hypothesis import strategies as st
from lanes.radio_lane import Ramp, indices

EVERYTHING = tuple(Channel)


def connected(source: Ramp | None = None, *channels: Channel, mtu: int = 247, **options: object) -> Device:
    config = DeviceConfig("CW-0001", boot_id=7, **options)  # type: ignore[arg-type]  # the keywords are its own
    device = Device(config, source or Ramp())
    device.connect(0.0)
    device.set_mtu(mtu)
    for channel in channels or EVERYTHING:
        device.subscribe(0.0, channel, enabled=True)
    return device


def drained(device: Device) -> list[Outgoing]:
    taken = []
    while (outgoing := device.next_outgoing(may_indicate=True)) is not None:
        taken.append(outgoing)
    return taken


def values(outgoing: list[Outgoing], channel: Channel) -> list[bytes]:
    return [one.value for one in outgoing if one.channel is channel]


def ask(device: Device, now_s: float, opcode: int, params: bytes = b"") -> Reply:
    """Send a request and return its reply, having taken nothing before it."""
    device.handle_request(now_s, Request(opcode, 9, params).encode())
    reply = device.next_outgoing(may_indicate=True)
    assert reply is not None
    assert reply.channel is Channel.CONTROL
    decoded = Reply.decode(reply.value)
    assert (decoded.opcode, decoded.token, decoded.done) == (opcode, 9, False)
    return decoded


@pytest.mark.parametrize(
    ("opcode", "params", "status"),
    [
        (0, b"", Status.UNKNOWN_OPCODE),
        (10, b"", Status.UNKNOWN_OPCODE),
        (255, b"", Status.UNKNOWN_OPCODE),
        (Opcode.INFO, b"x", Status.BAD_LENGTH),
        (Opcode.START, b"", Status.BAD_LENGTH),
        (Opcode.START, b"\x02", Status.BAD_LENGTH),
        (Opcode.START, b"\x00\x00", Status.BAD_PARAMETER),
        (Opcode.START, b"\x01\x00", Status.BAD_PARAMETER),
        (Opcode.START, b"\x03\x00", Status.BAD_PARAMETER),
        (Opcode.START, b"\x06\x00", Status.BAD_PARAMETER),
        (Opcode.STOP, b"\x04\x00", Status.BAD_PARAMETER),
        (Opcode.STOP, b"\x02\x00\x00", Status.BAD_LENGTH),
        (Opcode.SYNC, b"\x00", Status.BAD_LENGTH),
        (Opcode.SET, b"", Status.BAD_LENGTH),
        (Opcode.SET, b"\x63x", Status.BAD_PARAMETER),
        (Opcode.SET, bytes([SettingKey.NAME]), Status.BAD_LENGTH),
        (Opcode.SET, bytes([SettingKey.NAME]) + b"x" * 21, Status.BAD_LENGTH),
        (Opcode.SET, bytes([SettingKey.NAME]) + b"\xff", Status.BAD_PARAMETER),
        (Opcode.SET, bytes([SettingKey.TEMPERATURE_INTERVAL, 1]), Status.BAD_LENGTH),
        (Opcode.SET, bytes([SettingKey.TEMPERATURE_INTERVAL, 0, 0]), Status.BAD_PARAMETER),
        (Opcode.SET, bytes([SettingKey.TEMPERATURE_INTERVAL, 0x11, 0x0E]), Status.BAD_PARAMETER),
        (Opcode.BACKFILL, b"\x01", Status.BAD_LENGTH),
        (Opcode.BACKFILL, Backfill(2, 0, 1).encode(), Status.BAD_PARAMETER),
        (Opcode.BACKFILL, Backfill(1, 0, 0).encode(), Status.BAD_PARAMETER),
        (Opcode.BACKFILL, Backfill(1, 5_000, 10).encode(), Status.NOT_AVAILABLE),
        (Opcode.IDENTIFY, b"x", Status.BAD_LENGTH),
        (Opcode.IDENTIFY, b"", Status.SUCCESS),
        (Opcode.SELF_TEST, b"", Status.BAD_LENGTH),
        (Opcode.SELF_TEST, b"\x02", Status.BAD_PARAMETER),
        (Opcode.ABORT, b"x", Status.BAD_LENGTH),
        (Opcode.ABORT, b"", Status.NOT_AVAILABLE),
    ],
)
def test_misuse_is_answered_with_its_status(opcode: int, params: bytes, status: Status) -> None:
    device = connected()
    assert ask(device, 1.0, opcode, params).status is status


@given(st.binary(min_size=2, max_size=244))
def test_any_request_is_answered_with_its_opcode_and_token(value: bytes) -> None:
    device = connected()
    device.handle_request(1.0, value)
    taken = device.next_outgoing(may_indicate=True)
    assert taken is not None
    reply = Reply.decode(taken.value)
    assert (reply.opcode, reply.token) == (value[0], value[1])


@pytest.mark.parametrize("value", [b"", b"\x01", bytes(245)])
def test_a_request_of_no_length_is_an_error_for_att(value: bytes) -> None:
    with pytest.raises(FrameError):
        connected().handle_request(0.0, value)


def test_start_needs_a_subscription_to_data() -> None:
    device = connected(None, Channel.CONTROL, Channel.EVENT)
    assert ask(device, 1.0, Opcode.START, stream_mask((1,))).status is Status.NOT_AVAILABLE
    device.subscribe(1.0, Channel.DATA, enabled=True)
    assert ask(device, 1.0, Opcode.START, stream_mask((1,))).status is Status.SUCCESS


def test_start_needs_an_mtu_that_holds_one_sample() -> None:
    device = connected(Ramp(channels=8), mtu=23)
    assert ask(device, 1.0, Opcode.START, stream_mask((1,))).status is Status.NOT_AVAILABLE
    device.set_mtu(247)
    assert ask(device, 1.0, Opcode.START, stream_mask((1,))).status is Status.SUCCESS


def test_backfill_needs_a_subscription_to_stored_data() -> None:
    device = connected(None, Channel.CONTROL, Channel.DATA)
    assert ask(device, 1.0, Opcode.BACKFILL, Backfill(1, 0, 10).encode()).status is Status.NOT_AVAILABLE


def test_sync_returns_ticks_and_next_index_of_one_instant() -> None:
    device = connected()
    for params in (b"", bytes(8)):
        reply = SyncReply.decode(ask(device, 2.0, Opcode.SYNC, params).params)
        assert reply == SyncReply(ticks=65_536, index=2_001)


def test_info_returns_boot_ticks_and_rings() -> None:
    device = connected(ring_s=1.0)
    report = RingReport.decode(ask(device, 3.0, Opcode.INFO).params)
    assert (report.boot_id, report.ticks) == (7, 98_304)
    ((stream, ring),) = report.rings
    assert (stream, ring.depth, ring.oldest, ring.next_index) == (1, 1_000, 2_001, 3_001)


def test_set_changes_the_name() -> None:
    device = connected()
    assert ask(device, 0.0, Opcode.SET, bytes([SettingKey.NAME]) + b"Zeh").status is Status.SUCCESS
    assert device.name == "Zeh"


def test_set_changes_the_temperature_interval() -> None:
    device = connected()
    drained(device)
    ask(device, 0.0, Opcode.SET, bytes([SettingKey.TEMPERATURE_INTERVAL, 2, 0]))
    notified = 0
    for tenth in range(101):
        device.advance(tenth / 10)
        notified += len(values(drained(device), Channel.TEMPERATURE))
    assert notified == 6


def test_the_self_test_replaces_the_signal_marks_its_frames_and_is_reported() -> None:
    device = connected(queue_s=5.0)
    assert ask(device, 0.0, Opcode.START, stream_mask((1,))).status is Status.SUCCESS
    device.advance(1.0)
    ask(device, 1.0, Opcode.SELF_TEST, b"\x01")
    device.advance(2.0)
    ask(device, 2.0, Opcode.SELF_TEST, b"\x00")
    device.advance(3.0)
    taken = drained(device)
    frames = [Frame.decode(value) for value in values(taken, Channel.DATA)]
    tested = [frame for frame in frames if FrameFlag.SELF_TEST in frame.flags]
    assert sum(len(frame.payload) // 4 for frame in tested) == pytest.approx(1_000, abs=1)
    assert {frame.payload[0:2] for frame in tested} <= {b"\x90\x01", b"\x70\xfe"}, "100 uV of 0.25 uV a count"
    events = [SensorEvent.decode(value) for value in values(taken, Channel.EVENT)]
    assert [(event.code, event.payload) for event in events] == [
        (EventCode.SELF_TEST, b"\x01"),
        (EventCode.SELF_TEST, b"\x00"),
    ]


def test_a_second_start_changes_nothing_and_stop_ends_the_stream() -> None:
    device = connected()
    ask(device, 0.5, Opcode.START, stream_mask((1,)))
    device.advance(1.0)
    ask(device, 1.0, Opcode.START, stream_mask((1,)))
    device.advance(1.5)
    arrived = indices(values(drained(device), Channel.DATA))
    assert arrived == list(range(arrived[0], arrived[-1] + 1))
    ask(device, 1.5, Opcode.STOP, stream_mask((1,)))
    device.advance(3.0)
    assert values(drained(device), Channel.DATA) == []


def test_a_backfill_is_accepted_for_what_is_held_and_at_most_ten_seconds() -> None:
    device = connected(ring_s=20.0)
    accepted = ask(device, 30.0, Opcode.BACKFILL, Backfill(1, 0, 60_000).encode())
    assert Backfill.decode(accepted.params) == Backfill(1, 10_001, 10_000)
    taken = drained(device)
    assert indices(values(taken, Channel.STORED_DATA)) == list(range(10_001, 20_001))
    done = Reply.decode(values(taken, Channel.CONTROL)[-1])
    assert taken[-1].channel is Channel.CONTROL, "the end is reported last"
    assert BackfillDone.decode(done.params) == BackfillDone(frames=176, samples=10_000)


def test_a_backfill_that_asks_before_and_beyond_the_ring_gets_the_middle() -> None:
    device = connected(ring_s=1.0)
    accepted = ask(device, 5.0, Opcode.BACKFILL, Backfill(1, 3_990, 2_000).encode())
    assert Backfill.decode(accepted.params) == Backfill(1, 4_001, 1_000)


def test_an_abort_ends_the_backfill_and_reports_what_was_sent() -> None:
    device = connected(None, Channel.CONTROL, Channel.STORED_DATA)
    ask(device, 5.0, Opcode.BACKFILL, Backfill(1, 0, 5_000).encode())
    assert ask(device, 5.0, Opcode.BACKFILL, Backfill(1, 0, 1).encode()).status is Status.BUSY
    first = device.next_outgoing(may_indicate=True)
    assert first is not None
    assert first.channel is Channel.STORED_DATA
    assert ask(device, 5.0, Opcode.ABORT).status is Status.SUCCESS
    (rest,) = drained(device)
    done = Reply.decode(rest.value)
    assert (done.done, done.opcode, done.status) == (True, Opcode.BACKFILL, Status.ABORTED)
    assert BackfillDone.decode(done.params) == BackfillDone(1, 57)
    assert ask(device, 5.0, Opcode.BACKFILL, Backfill(1, 0, 10).encode()).status is Status.SUCCESS


def test_replies_wait_for_the_confirmation_of_the_one_before() -> None:
    device = connected(None, Channel.CONTROL)
    device.handle_request(1.0, Request(Opcode.SYNC, 1).encode())
    device.handle_request(1.0, Request(Opcode.SYNC, 2).encode())
    first = device.next_outgoing(may_indicate=True)
    assert first is not None
    assert Reply.decode(first.value).token == 1
    assert device.next_outgoing(may_indicate=False) is None
    second = device.next_outgoing(may_indicate=True)
    assert second is not None
    assert Reply.decode(second.value).token == 2
