"""Which raw EMG is stored of an episode, and how chunks are assembled and filled."""

from uuid import UUID

import numpy as np
import pytest
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.store.model.raw_excerpt import assemble_chunk, excerpt_span, samples_per_chunk
from nights.stored_messages import SESSION, T0_NS, episode, raw

RATE_HZ = 100.0


def block(first: int, samples: int, *, offset: int = 0, flags: BlockFlag = BlockFlag.SIMULATED) -> SampleBlock:
    counts = np.arange(first, first + samples, dtype=np.int32)[:, None] + offset
    return SampleBlock(UUID(SESSION), 42, 1, flags, first, T0_NS + first * 10_000_000, RATE_HZ, 1e-6, counts)


@pytest.mark.parametrize(
    ("onset", "offset", "span"),
    [
        (500, 600, (0, 1600)),
        (501, 600, (1, 1600)),
        (499, 600, (0, 1600)),
        (1000, 1000 + 12_000, (500, 1000 + 12_000 + 1000)),
        (1000, 1000 + 12_001, (500, 1000 + 12_000 + 1000)),
        (1000, 1000 + 11_999, (500, 1000 + 11_999 + 1000)),
    ],
)
def test_five_seconds_before_to_ten_after_and_two_minutes_of_the_episode(
    onset: int, offset: int, span: tuple[int, int]
) -> None:
    assert excerpt_span(episode(onset_index=onset, offset_index=offset, rate_hz=RATE_HZ)) == span


@pytest.mark.parametrize(("detected", "end"), [(400, 500), (500, 500), (501, 501), (13_000, 13_000), (13_001, 13_000)])
def test_an_open_episode_is_stored_up_to_its_detection(detected: int, end: int) -> None:
    opened = episode(onset_index=1000, offset_index=None, detected_index=detected, rate_hz=RATE_HZ)
    assert excerpt_span(opened) == (500, end)


def test_a_chunk_has_the_samples_of_a_second_and_at_least_one() -> None:
    assert [samples_per_chunk(rate_hz) for rate_hz in (0.4, 1.0, 99.6, 1000.0)] == [1, 1, 100, 1000]


def test_only_samples_of_its_own_second_are_in_a_chunk() -> None:
    chunk = assemble_chunk("left", 2, [block(150, 51), block(299, 30)])
    assert chunk is not None
    assert np.flatnonzero(chunk.is_present).tolist() == [0, 99]
    assert chunk.values[[0, 99], 0].tolist() == [200.0, 299.0]
    assert chunk.t_ns == T0_NS + 2_000_000_000
    assert assemble_chunk("left", 2, [block(150, 50), block(300, 30)]) is None


def test_where_blocks_overlap_the_first_is_used() -> None:
    chunk = assemble_chunk("left", 0, [block(0, 50), block(25, 75, offset=1000)])
    assert chunk is not None
    assert chunk.values[[49, 50], 0].tolist() == [49.0, 1050.0]


@pytest.mark.parametrize(
    ("flags", "origin"), [(BlockFlag.SIMULATED, "demo"), (BlockFlag.REPLAY, "replay"), (BlockFlag(0), "live")]
)
def test_a_chunk_tells_simulated_data_from_real(flags: BlockFlag, origin: str) -> None:
    chunk = assemble_chunk("left", 0, [block(0, 50, flags=flags)])
    assert chunk is not None
    assert chunk.origin == origin


def test_a_sample_is_present_if_all_its_channels_are() -> None:
    values = raw(7).values.copy()
    values[3, 1] = np.nan
    partial = raw(7, packed=values.tobytes())
    assert np.flatnonzero(~partial.is_present).tolist() == [3]


def test_a_chunk_is_filled_only_where_it_lacks_samples() -> None:
    other = raw(7, packed=(raw(7).values + 5000).tobytes())
    filled = raw(7, holes=(705,)).filled_from(other)
    assert filled.values[5].tolist() == (raw(7).values[5] + 5000).tolist()
    assert filled.values[4].tolist() == raw(7).values[4].tolist()


def test_a_chunk_of_another_shape_fills_nothing() -> None:
    hole = raw(7, holes=(705,))
    assert hole.filled_from(raw(7, channels=1)) is hole
    assert hole.filled_from(raw(7, packed=raw(7).packed[:-8])) is hole
