"""Data frames: round trip, truncation, corruption and length caps."""

import numpy as np
import pytest
from crampwatch.protocol.checksum import append_checksum, strip_checksum
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.frame import (
    MAX_FRAME_BYTES,
    OVERHEAD_BYTES,
    Frame,
    FrameFlag,
    decode_samples,
    encode_samples,
)
from crampwatch.protocol.stream import SampleFormat
from hypothesis import given
from hypothesis import strategies as st

u32 = st.integers(0, 2**32 - 1)
frames = st.builds(
    Frame,
    stream=st.integers(1, 15),
    flags=st.integers(0, 63).map(FrameFlag),
    sequence=st.integers(0, 2**16 - 1),
    first_index=u32,
    ticks=u32,
    payload=st.binary(max_size=MAX_FRAME_BYTES - OVERHEAD_BYTES),
)


@given(frames)
def test_a_frame_reads_back_as_it_was_written(frame: Frame) -> None:
    assert Frame.decode(frame.encode()) == frame


@given(frames, st.data())
def test_a_truncated_frame_is_refused(frame: Frame, data: st.DataObject) -> None:
    packet = frame.encode()
    cut = packet[: data.draw(st.integers(0, len(packet) - 1))]
    # One cut in 65536 has a matching checksum by chance: then it must at least not read as the same frame.
    try:
        read = Frame.decode(cut)
    except FrameError:
        return
    assert read != frame


@given(frames, st.data())
def test_one_flipped_bit_is_always_noticed(frame: Frame, data: st.DataObject) -> None:
    packet = bytearray(frame.encode())
    bit = data.draw(st.integers(0, 8 * len(packet) - 1))
    packet[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        Frame.decode(bytes(packet))


@given(st.binary(max_size=MAX_FRAME_BYTES + 40))
def test_any_bytes_decode_as_a_frame_or_a_frame_error(packet: bytes) -> None:
    try:
        frame = Frame.decode(packet)
    except FrameError:
        return
    assert len(frame.payload) <= MAX_FRAME_BYTES


def test_a_frame_longer_than_an_attribute_is_neither_written_nor_read() -> None:
    too_long = Frame(1, FrameFlag(0), 0, 0, 0, bytes(MAX_FRAME_BYTES))
    with pytest.raises(FrameError, match="do not fit into a frame of 512"):
        too_long.encode()
    with pytest.raises(FrameError, match="one has 14 to 512"):
        Frame.decode(bytes(MAX_FRAME_BYTES + 1))


@given(st.integers(16, 255))
def test_stream_numbers_beyond_15_are_not_written(stream: int) -> None:
    with pytest.raises(FrameError, match="numbered 1 to 15"):
        Frame(stream, FrameFlag(0), 0, 0, 0, b"").encode()


@given(st.sampled_from(SampleFormat), st.integers(1, 4), st.integers(0, 40), st.randoms(use_true_random=False))
def test_samples_read_back_as_they_were_written(form: SampleFormat, channels: int, count: int, random) -> None:  # type: ignore[no-untyped-def]  # random.Random of hypothesis
    limit = 1 << (8 * form.sample_bytes - 1)
    values = [[random.randrange(-limit, limit) for _ in range(channels)] for _ in range(count)]
    counts = np.array(values, np.int32).reshape(count, channels)
    assert np.array_equal(decode_samples(encode_samples(counts, form), channels=channels, form=form), counts)


def test_samples_beyond_the_format_saturate_instead_of_wrapping() -> None:
    counts = np.array([[40_000], [-40_000]], np.int32)
    assert decode_samples(encode_samples(counts, SampleFormat.INT16), channels=1, form=SampleFormat.INT16).tolist() == [
        [32767],
        [-32768],
    ]


def test_a_payload_that_is_no_whole_number_of_samples_is_refused() -> None:
    with pytest.raises(FrameError, match="do not divide into 2 channels"):
        decode_samples(bytes(6), channels=2, form=SampleFormat.INT16)


def test_the_checksum_is_crc16_ibm_3740() -> None:
    # The check value every catalogue of checksums gives for "123456789".
    assert append_checksum(b"123456789")[-2:] == (0x29B1).to_bytes(2, "little")
    assert strip_checksum(append_checksum(b"")) == b""
