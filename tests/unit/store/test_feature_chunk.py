import random

import msgspec
import numpy as np
from crampwatch.store.model.feature_chunk import STEPS, FeatureChunk, split_into_chunks, unpack_steps
from hypothesis import given
from hypothesis import strategies as st
from nights.stored_messages import T0_NS, features


def chunks_of(batches: list[tuple[int, int]]) -> dict[int, FeatureChunk]:
    chunks: dict[int, FeatureChunk] = {}
    for step, steps in batches:
        for part in split_into_chunks(features(step, steps)):
            chunks.setdefault(part.chunk, FeatureChunk.empty(2)).insert(part)
    return chunks


def row_of(chunk: FeatureChunk) -> tuple[int, float, bytes]:
    return chunk.t_ns, chunk.step_ns, chunk.encode()


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200)), min_size=1, max_size=8), st.randoms())
def test_any_batches_in_any_order_say_the_same(batches: list[tuple[int, int]], chance: random.Random) -> None:
    known = sorted({n for step, steps in batches for n in range(step, step + steps)})
    chance.shuffle(batches)
    chunks = chunks_of(batches)
    t_ns, values = unpack_steps([row_of(chunks[number]) for number in sorted(chunks)])
    assert values[:, 0, 0].tolist() == known
    assert t_ns.tolist() == [T0_NS + n * 100_000_000 for n in known]


def test_packed_and_unpacked_again() -> None:
    (chunk,) = chunks_of([(3, 4)]).values()
    again = FeatureChunk.decode(chunk.t_ns, chunk.step_ns, chunk.encode())
    assert np.array_equal(again.values, chunk.values, equal_nan=True)
    assert len(chunk.encode()) == STEPS * 2 * 5 * 4


def test_a_stream_that_gains_a_channel() -> None:
    chunk = FeatureChunk.empty(1)
    for part in (*split_into_chunks(features(0, 2, channels=1)), *split_into_chunks(features(2, 2, channels=2))):
        chunk.insert(part)
    _, values = unpack_steps([row_of(chunk)])
    assert values[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert np.isnan(values[:2, 1, 0]).all()


def test_chunks_of_one_and_of_two_channels_are_read_together() -> None:
    rows = [row_of(chunk) for chunk in chunks_of([(0, 2)]).values()]
    narrow = FeatureChunk.empty(1)
    narrow.insert(split_into_chunks(features(STEPS, 1, channels=1))[0])
    t_ns, values = unpack_steps([*rows, row_of(narrow)])
    assert len(t_ns) == 3
    assert values[:, 0, 0].tolist() == [0, 1, STEPS]
    assert np.isnan(values[2, 1]).all()


def test_nothing_is_nothing() -> None:
    t_ns, values = unpack_steps([])
    assert (t_ns.shape, values.shape) == ((0,), (0, 1, 5))


def test_channels_that_tell_of_different_times_are_not_understood() -> None:
    uneven = (features(0, 2).channels[0], features(0, 3).channels[1])
    assert split_into_chunks(msgspec.structs.replace(features(0, 2), channels=uneven)) == []
    assert split_into_chunks(features(0, channels=0)) == []
