"""The Info characteristic: round trip, forward compatibility, absurd claims."""

import math
import struct

import pytest
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.info import MAX_CHANNELS, Capability, Info, RingState
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from hypothesis import given
from hypothesis import strategies as st

u32 = st.integers(0, 2**32 - 1)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def _stream(number: int) -> st.SearchStrategy[StreamDescription]:
    return st.builds(
        StreamDescription,
        stream=st.just(number),
        kind=st.sampled_from(StreamKind),
        channels=st.integers(1, MAX_CHANNELS),
        format=st.sampled_from(SampleFormat),
        rate_hz=st.integers(1, 100_000_000).map(lambda mhz: mhz / 1000),
        lsb=st.floats(2.0**-60, 2.0**10, width=32),
        offset=float32,
        band_hz=st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda b: (b[0] / 10, b[1] / 10)),
    )


@st.composite
def infos(draw: st.DrawFn) -> Info:
    numbers = draw(st.lists(st.integers(1, 15), min_size=1, max_size=3, unique=True))
    return Info(
        Capability(draw(st.integers(0, 15)) | draw(st.sampled_from([0, Capability.REPLAY, Capability.SIMULATED]))),
        draw(u32),
        draw(st.integers(1, 2**32 - 1)),
        tuple(draw(_stream(number)) for number in numbers),
        tuple(draw(st.builds(RingState, u32, u32, u32)) for _ in numbers),
        tuple(draw(st.integers(0, 65535)) for _ in numbers),
    )


@given(infos())
def test_info_reads_back_as_it_was_written(info: Info) -> None:
    assert Info.decode(info.encode()) == info


@given(infos(), st.data())
def test_truncated_info_is_refused(info: Info, data: st.DataObject) -> None:
    value = info.encode()
    with pytest.raises(FrameError):
        Info.decode(value[: data.draw(st.integers(0, len(value) - 1))])


@given(st.binary(max_size=600))
def test_any_bytes_decode_as_info_or_a_frame_error(packet: bytes) -> None:
    try:
        info = Info.decode(packet)
    except FrameError:
        return
    assert all(1 <= stream.channels <= MAX_CHANNELS and stream.rate_hz > 0 for stream in info.streams)


def _plain() -> Info:
    stream = StreamDescription(1, StreamKind.EMG, 2, SampleFormat.INT16, 1000.0, 0.25e-6, 0.0, (10.0, 450.0))
    return Info(Capability.BACKFILL, 7, 32768, (stream,), (RingState(),), (57,))


def test_bytes_that_a_later_minor_version_adds_are_skipped() -> None:
    value = _plain().encode()
    head, descriptor = value[:16], value[16:]
    grown = bytearray(head + b"NEWHEAD." + descriptor + b"NEWFIELD" + b"trailing")
    grown[2], grown[3] = 16 + 8, len(descriptor) + 8
    assert Info.decode(bytes(grown)).streams == Info.decode(value).streams


@pytest.mark.parametrize(
    ("position", "octet", "message"),
    [
        (0, 2, "version 2 of the profile"),
        (2, 3, "states a header of 3"),
        (4, 200, "states a header of 16 and 200"),
        (16, 16, "stream 16"),
        (17, 99, "kind 99"),
        (18, 0, "states 0 channels"),
        (18, 255, "states 255 channels"),
        (19, 7, "format 7"),
    ],
)
def test_absurd_claims_are_named(position: int, octet: int, message: str) -> None:
    value = bytearray(_plain().encode())
    value[position] = octet
    with pytest.raises(FrameError, match=message):
        Info.decode(bytes(value))


@pytest.mark.parametrize("lsb", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_is_none_reads_as_unknown(lsb: float) -> None:
    value = bytearray(_plain().encode())
    value[24:28] = struct.pack("<f", lsb)
    stream = Info.decode(bytes(value)).streams[0]
    assert math.isnan(stream.lsb)
    assert not stream.has_scale


def test_origin_follows_from_what_the_sensor_says_of_itself() -> None:
    plain = _plain()
    made = {
        flags: Info(flags, 1, 1, plain.streams, plain.rings, plain.samples_per_frame).origin
        for flags in (Capability(0), Capability.SIMULATED, Capability.REPLAY, Capability.SIMULATED | Capability.REPLAY)
    }
    assert list(made.values()) == [Origin.LIVE, Origin.DEMO, Origin.REPLAY, Origin.DEMO]
