"""Each limit of the protocol at exactly its bound and just beyond it."""

import json
import math
import struct
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from crampwatch.protocol.block import MAX_BLOCK_SAMPLES, BlockFlag, SampleBlock
from crampwatch.protocol.checksum import append_checksum, strip_checksum
from crampwatch.protocol.control import (
    MAX_BACKFILL_SAMPLES,
    Backfill,
    Reply,
    Request,
    RingReport,
    Status,
    stream_mask,
    streams_in,
)
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import MAX_FRAME_BYTES, OVERHEAD_BYTES, Frame, FrameFlag
from crampwatch.protocol.info import MAX_CHANNELS, MAX_RATE_HZ, Capability, Info, RingState
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import (
    MAX_MESSAGE_BYTES,
    Battery,
    Message,
    SensorState,
    ServiceStatus,
    Temperature,
    decode,
    encode,
)
from crampwatch.protocol.reasons import Reason
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.protocol.temperature import decode_temperature, encode_temperature
from crampwatch.protocol.topics import SENSOR_PATTERN, Leaf, Topic, sensor_id

EMG = StreamDescription(1, StreamKind.EMG, 2, SampleFormat.INT16, 1000.0, 2.0**-22)


def info_of(*streams: StreamDescription, tick_hz: int = 32_768) -> Info:
    rings = tuple(RingState() for _ in streams)
    return Info(Capability(0), 7, tick_hz, streams, rings, (57,) * len(streams))


def block_of(counts: list[int], *, rate_hz: float = 1000.0) -> SampleBlock:
    samples = np.array(counts, np.int32)[:, None]
    return SampleBlock(UUID(int=0), 0, 1, BlockFlag(0), 0, 0, rate_hz, 1e-6, samples)


def test_a_frame_is_at_most_as_long_as_an_attribute() -> None:
    longest = Frame(15, FrameFlag(0), 0, 0, 0, bytes(MAX_FRAME_BYTES - OVERHEAD_BYTES))
    assert len(longest.encode()) == MAX_FRAME_BYTES == 512
    assert Frame.decode(longest.encode()) == longest
    with pytest.raises(FrameError, match="do not fit"):
        replace(longest, payload=bytes(MAX_FRAME_BYTES - OVERHEAD_BYTES + 1)).encode()


def test_a_frame_has_at_least_its_header_and_checksum() -> None:
    shortest = Frame(1, FrameFlag(0), 0, 0, 0, b"").encode()
    assert len(shortest) == OVERHEAD_BYTES == 14
    assert Frame.decode(shortest).payload == b""
    with pytest.raises(FrameError, match="14 to 512"):
        Frame.decode(append_checksum(bytes(OVERHEAD_BYTES - 3)))


@pytest.mark.parametrize("first_byte", [0x10, 0x01, 0x21])
def test_a_frame_of_stream_0_or_another_version_is_refused(first_byte: int) -> None:
    body = bytes([first_byte]) + bytes(11)
    with pytest.raises(FrameError, match="expected version 1 and stream 1 to 15"):
        Frame.decode(append_checksum(body))


@pytest.mark.parametrize("stream", [0, 16])
def test_a_stream_number_outside_1_to_15_is_not_written(stream: int) -> None:
    with pytest.raises(FrameError, match="numbered 1 to 15"):
        Frame(stream, FrameFlag(0), 0, 0, 0, b"").encode()


def test_the_shortest_packet_is_a_checksum_alone() -> None:
    assert strip_checksum(append_checksum(b"")) == b""
    with pytest.raises(FrameError, match="too short"):
        strip_checksum(b"\xff")


@pytest.mark.parametrize("channels", [1, MAX_CHANNELS])
@pytest.mark.parametrize("rate_hz", [0.001, MAX_RATE_HZ])
def test_a_stream_has_up_to_64_channels_at_up_to_100_khz(channels: int, rate_hz: float) -> None:
    stream = replace(EMG, channels=channels, rate_hz=rate_hz, stream=15)
    assert (MAX_CHANNELS, MAX_RATE_HZ) == (64, 100_000.0)
    (read,) = Info.decode(info_of(stream).encode()).streams
    assert (read.stream, read.channels, read.rate_hz) == (15, channels, rate_hz)


@pytest.mark.parametrize(
    "change", [{"channels": 0}, {"channels": 65}, {"rate_hz": 0.0}, {"rate_hz": 100_000.001}, {"stream": 0}]
)
def test_a_stream_beyond_these_limits_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(FrameError, match=r"1 to 64 channels|does not define"):
        Info.decode(info_of(replace(EMG, **change)).encode())  # type: ignore[arg-type] # fields of the stream


def test_info_describes_1_to_15_streams_and_a_clock_that_ticks() -> None:
    streams = [replace(EMG, stream=number) for number in range(1, 15)]
    assert len(Info.decode(info_of(*streams[:13]).encode()).streams) == 13
    assert Info.decode(info_of(EMG, tick_hz=1).encode()).tick_hz == 1
    with pytest.raises(FrameError, match="a clock of 0 Hz"):
        Info.decode(info_of(EMG, tick_hz=0).encode())
    with pytest.raises(FrameError, match="0 streams"):
        Info.decode(info_of().encode())
    with pytest.raises(FrameError, match="with the same number"):
        Info.decode(info_of(EMG, EMG).encode())


def test_info_is_at_most_512_bytes_of_which_later_fields_are_skipped() -> None:
    value = info_of(EMG).encode()
    assert Info.decode(value + bytes(512 - len(value))) == Info.decode(value)
    with pytest.raises(FrameError, match="16 to 512"):
        Info.decode(value + bytes(513 - len(value)))
    with pytest.raises(FrameError, match="16 to 512"):
        Info.decode(value[:15])


def test_a_descriptor_that_ends_beyond_the_value_is_refused() -> None:
    value = info_of(EMG).encode()
    assert Info.decode(value)
    with pytest.raises(FrameError, match="it has"):
        Info.decode(value[:-1])


def test_a_block_has_1_to_65535_samples() -> None:
    for samples in (1, MAX_BLOCK_SAMPLES):
        assert len(SampleBlock.decode(block_of([0] * samples).encode()).counts) == samples
    for samples in (0, MAX_BLOCK_SAMPLES + 1):
        with pytest.raises(FrameError, match="1 to 65535"):
            block_of([0] * samples).encode()


@pytest.mark.parametrize(("count", "width"), [(0x7FFF, 2), (-0x7FFF, 2), (0x8000, 4), (-0x8001, 4)])
def test_a_block_is_as_wide_as_its_largest_count_needs(count: int, width: int) -> None:
    payload = block_of([0, count]).encode()
    assert len(payload) - len(block_of([0]).encode()) == 2 * width - 2
    assert SampleBlock.decode(payload).counts.ravel().tolist() == [0, count]


@pytest.mark.parametrize("rate_hz", [1e6, 5e-324])
def test_a_block_of_any_rate_up_to_1_mhz_is_read(rate_hz: float) -> None:
    assert SampleBlock.decode(block_of([1], rate_hz=rate_hz).encode()).rate_hz == rate_hz


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, 1e6 + 1, math.inf, math.nan])
def test_a_block_of_another_rate_is_refused(rate_hz: float) -> None:
    with pytest.raises(FrameError, match="samples a second"):
        SampleBlock.decode(block_of([1], rate_hz=rate_hz).encode())


def test_a_backfill_asks_for_up_to_65535_samples() -> None:
    assert Backfill.decode(Backfill(1, 2, MAX_BACKFILL_SAMPLES).encode()).count == MAX_BACKFILL_SAMPLES == 65_535


def test_a_request_has_2_to_244_bytes() -> None:
    assert Request.decode(b"\x01\x02").params == b""
    assert len(Request.decode(bytes(244)).params) == 242
    for length in (1, 245):
        with pytest.raises(FrameError, match="2 to 244"):
            Request.decode(bytes(length))


def test_a_reply_has_4_to_244_bytes() -> None:
    head = Reply(1, 2, Status.ABORTED).encode()
    assert Reply.decode(head).status is Status.ABORTED
    assert len(Reply.decode(head + bytes(240)).params) == 240
    for value in (head[:3], head + bytes(241)):
        with pytest.raises(FrameError, match="4 to 244"):
            Reply.decode(value)


@pytest.mark.parametrize("head", [b"\xef\x01\x02\x00", b"\xf2\x01\x02\x00", b"\xf0\x01\x02\x08"])
def test_a_reply_of_an_unknown_code_or_status_is_refused(head: bytes) -> None:
    with pytest.raises(FrameError, match="f0 or f1 and a known status"):
        Reply.decode(head)


def test_a_ring_report_has_up_to_15_rings() -> None:
    rings = tuple((number, RingState(1, 2, 3)) for number in range(1, 17))
    assert RingReport.decode(RingReport(1, 2, rings[:15]).encode()).rings == rings[:15]
    assert RingReport.decode(RingReport(1, 2, ()).encode()).rings == ()
    with pytest.raises(FrameError, match="up to 15 times"):
        RingReport.decode(RingReport(1, 2, rings).encode())


def test_a_mask_names_streams_1_to_15() -> None:
    assert streams_in(b"\xff\xff") == tuple(range(1, 16))
    assert stream_mask((1, 15)) == b"\x02\x80"
    for mask in (b"\xff", b"\xff\xff\xff"):
        with pytest.raises(FrameError, match="expected 2"):
            streams_in(mask)


def test_an_event_carries_up_to_16_bytes() -> None:
    event = SensorEvent(EventCode.BUTTON, 0, 0, 0, bytes(16))
    assert SensorEvent.decode(event.encode()) == event
    assert SensorEvent.decode(replace(event, payload=b"").encode()).payload == b""
    with pytest.raises(FrameError, match="12 to 28"):
        SensorEvent.decode(replace(event, payload=bytes(17)).encode())
    with pytest.raises(FrameError, match="12 to 28"):
        SensorEvent.decode(append_checksum(bytes(9)))


def test_a_temperature_is_above_absolute_zero_and_fits_16_bits() -> None:
    assert decode_temperature(struct.pack("<h", -27_315)) == -273.15
    with pytest.raises(FrameError, match="absolute zero"):
        decode_temperature(struct.pack("<h", -27_316))
    assert decode_temperature(encode_temperature(327.67)) == 327.67
    assert math.isnan(decode_temperature(encode_temperature(327.68)))
    assert math.isnan(decode_temperature(struct.pack("<h", -0x8000)))


def test_a_sensor_id_has_1_to_32_letters() -> None:
    assert sensor_id("x" * 33) == "x" * 32
    assert Topic.parse(str(Topic("x" * 32, Leaf.STATE))).sensor == "x" * 32
    with pytest.raises(FrameError):
        Topic.parse(str(Topic("x" * 33, Leaf.STATE)))
    with pytest.raises(FrameError, match="no letter or digit"):
        sensor_id("__--")
    assert SENSOR_PATTERN.endswith("{1,32}")


def test_a_message_of_exactly_the_limit_is_read() -> None:
    payload = encode(Battery(sensor="a", t_ns=1, origin=Origin.LIVE, percent=5))
    longest = payload + b" " * (MAX_MESSAGE_BYTES - len(payload))
    assert decode(longest, Battery).percent == 5
    with pytest.raises(FrameError, match="at most 1048576"):
        decode(longest + b" ", Battery)


COMMON = {"sensor": "a", "t_ns": 1, "origin": "live", "v": 1}
SERVICE = {"online": True, "service": "store"}
STATE = {"state": "rest", "session": "s"}


@pytest.mark.parametrize(
    ("kind", "fields", "beyond"),
    [
        (Battery, {"percent": 0}, {"percent": -1}),
        (Battery, {"percent": 100}, {"percent": 101}),
        (Temperature, {"celsius": -273.15}, {"celsius": -273.16}),
        (Temperature, {"celsius": 330}, {"celsius": 330.1}),
        (SensorState, STATE | {"t_ns": 0}, STATE | {"t_ns": -1}),
        (SensorState, STATE | {"t_ns": 2**62 - 1}, STATE | {"t_ns": 2**62}),
        (SensorState, STATE | {"sensor": "x" * 120}, STATE | {"sensor": "x" * 121}),
        (SensorState, STATE | {"session": "s"}, STATE | {"session": ""}),
        (ServiceStatus, SERVICE | {"backlog": 2**53 - 1}, SERVICE | {"backlog": 2**53}),
        (ServiceStatus, SERVICE | {"detail": "x" * 500}, SERVICE | {"detail": "x" * 501}),
    ],
)
def test_a_field_is_read_at_its_bound_and_refused_beyond(
    kind: type[Message], fields: dict[str, object], beyond: dict[str, object]
) -> None:
    decode(json.dumps(COMMON | fields).encode(), kind)
    with pytest.raises(FrameError, match="cannot be read"):
        decode(json.dumps(COMMON | beyond).encode(), kind)


def test_a_reason_without_a_number_needs_none() -> None:
    assert Reason(code="faint").text != ""
    assert "{" not in Reason(code="faint", number=3.0).text
