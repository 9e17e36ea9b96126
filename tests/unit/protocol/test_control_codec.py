"""Control requests and replies, events and temperature: round trip, truncation, any bytes."""

import math
from collections.abc import Callable

import pytest
from crampwatch.protocol.control import (
    Backfill,
    BackfillDone,
    Reply,
    Request,
    RingReport,
    Status,
    SyncReply,
    stream_mask,
    streams_in,
)
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import SensorEvent
from crampwatch.protocol.info import RingState
from crampwatch.protocol.temperature import decode_temperature, encode_temperature
from hypothesis import given
from hypothesis import strategies as st

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
rings = st.builds(RingState, u32, u32, u32)
values = st.one_of(
    st.builds(Request, u8, u8, st.binary(max_size=240)),
    st.builds(Reply, u8, u8, st.sampled_from(Status), st.binary(max_size=240), st.booleans()),
    st.builds(Backfill, u8, u32, u16),
    st.builds(BackfillDone, u16, u16),
    st.builds(SyncReply, u32, u32),
    st.builds(RingReport, u32, u32, st.lists(st.tuples(u8, rings), max_size=15).map(tuple)),
    st.builds(SensorEvent, u8, u8, u32, u32, st.binary(max_size=16)),
)
DECODERS: list[Callable[[bytes], object]] = [
    Request.decode,
    Reply.decode,
    Backfill.decode,
    BackfillDone.decode,
    SyncReply.decode,
    RingReport.decode,
    SensorEvent.decode,
    decode_temperature,
    streams_in,
]


@given(values)
def test_what_is_written_reads_back(
    value: Request | Reply | Backfill | BackfillDone | SyncReply | RingReport | SensorEvent,
) -> None:
    assert type(value).decode(value.encode()) == value


@pytest.mark.parametrize("decoder", DECODERS)
@given(packet=st.binary(max_size=300))
def test_any_bytes_decode_or_raise_a_frame_error(decoder: Callable[[bytes], object], packet: bytes) -> None:
    try:
        decoder(packet)
    except FrameError:
        return


@given(st.sets(st.integers(1, 15)))
def test_stream_masks_name_their_streams(streams: set[int]) -> None:
    assert streams_in(stream_mask(tuple(sorted(streams)))) == tuple(sorted(streams))


@given(st.integers(-27_315, 32_767))
def test_temperature_keeps_hundredths(hundredths: int) -> None:
    assert decode_temperature(encode_temperature(hundredths / 100)) == hundredths / 100


@pytest.mark.parametrize("celsius", [math.nan, math.inf, -math.inf, 1e9, -300.0])
def test_a_temperature_that_does_not_fit_is_written_as_not_known(celsius: float) -> None:
    assert math.isnan(decode_temperature(encode_temperature(celsius)))


def test_a_temperature_below_absolute_zero_is_refused() -> None:
    with pytest.raises(FrameError, match="absolute zero"):
        decode_temperature((-30_000).to_bytes(2, "little", signed=True))


def test_temperature_vectors_of_the_environmental_sensing_service() -> None:
    assert decode_temperature(bytes.fromhex("460c")) == 31.42
    assert decode_temperature(bytes.fromhex("6aff")) == -1.5
