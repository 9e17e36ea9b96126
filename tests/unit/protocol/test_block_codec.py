"""The payload of the samples leaf."""

import math
from uuid import UUID

import numpy as np
import pytest
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.errors import FrameError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

blocks = st.builds(
    SampleBlock,
    session=st.uuids(),
    boot_id=st.integers(0, 2**32 - 1),
    stream=st.integers(1, 15),
    flags=st.integers(0, 63).map(BlockFlag),
    first_index=st.integers(0, 2**63),
    first_utc_ns=st.integers(0, 2**63 - 1),
    rate_hz=st.floats(0.001, 1e6),
    lsb=st.floats(0, 1) | st.just(math.nan),
    counts=hnp.arrays(
        np.int32, st.tuples(st.integers(1, 60), st.integers(1, 8)), elements=st.integers(-(2**23), 2**23 - 1)
    ),
)


@given(blocks)
def test_a_block_reads_back_as_it_was_written(block: SampleBlock) -> None:
    read = SampleBlock.decode(block.encode())
    assert np.array_equal(read.counts, block.counts)
    assert (read.session, read.boot_id, read.stream, read.flags) == (
        block.session,
        block.boot_id,
        block.stream,
        block.flags,
    )
    assert (read.first_index, read.first_utc_ns, read.rate_hz) == (block.first_index, block.first_utc_ns, block.rate_hz)
    assert read.lsb == block.lsb or math.isnan(block.lsb)
    assert read.next_index == block.first_index + len(block.counts)


@given(blocks, st.data())
def test_a_truncated_block_is_refused(block: SampleBlock, data: st.DataObject) -> None:
    payload = block.encode()
    with pytest.raises(FrameError):
        SampleBlock.decode(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(st.binary(max_size=200))
def test_any_bytes_decode_as_a_block_or_a_frame_error(packet: bytes) -> None:
    try:
        SampleBlock.decode(packet)
    except FrameError:
        return


@pytest.mark.parametrize("samples", [0, 65_536])
def test_a_block_of_no_or_too_many_samples_is_not_written(samples: int) -> None:
    block = SampleBlock(UUID(int=0), 0, 1, BlockFlag(0), 0, 0, 1000.0, 1e-6, np.zeros((samples, 1), np.int32))
    with pytest.raises(FrameError, match="1 to 65535"):
        block.encode()
