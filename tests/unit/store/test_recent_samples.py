"""The samples around an episode are found again, whatever came first."""

import random
import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import Episode
from crampwatch.store.ingest import recent_samples
from crampwatch.store.ingest.recent_samples import RecentSamples
from crampwatch.store.model.raw_excerpt import RawChunk, assemble_chunk, excerpt_span
from crampwatch.store.model.spectrum import band_rms
from nights.stored_messages import S_NS, SESSION, T0_NS, episode, raw

RATE_HZ = 100.0
BLOCK = 25


def block(first: int, samples: int = BLOCK, *, stream: int = 1, rate_hz: float = RATE_HZ) -> SampleBlock:
    counts = np.arange(first, first + samples, dtype=np.int32)[:, None] + np.array([0, 1], np.int32)
    utc_ns = T0_NS + round(first * S_NS / rate_hz)
    return SampleBlock(UUID(SESSION), 42, stream, BlockFlag.SIMULATED, first, utc_ns, rate_hz, 1e-6, counts)


def cramp(**changes: Any) -> Episode:
    """Return a cramp from 20 s to 24 s."""
    span: dict[str, Any] = {
        "onset_ns": T0_NS + 20 * S_NS,
        "onset_index": 2000,
        "offset_index": 2400,
        "rate_hz": RATE_HZ,
    }
    return episode(**(span | changes))


def add(recent: RecentSamples, first: int, episodes: list[Episode]) -> list[RawChunk]:
    """Add a block and episodes, and mark as written what is returned."""
    fresh = recent.add([("left", block(first))], episodes)
    recent.mark_written(fresh)
    return fresh


def kept(found: list[RawChunk]) -> dict[int, int]:
    """Return how many samples of each second were returned, at most."""
    counts: dict[int, int] = {}
    for chunk in found:
        counts[chunk.chunk] = max(counts.get(chunk.chunk, 0), int(chunk.is_present.sum()))
    return counts


def test_what_is_wanted_of_an_episode() -> None:
    assert excerpt_span(cramp()) == (1500, 3400)
    assert excerpt_span(cramp(offset_index=None, detected_index=2300)) == (1500, 2300)
    assert excerpt_span(cramp(offset_index=90_000)) == (1500, 2000 + 12_000 + 1000)
    assert excerpt_span(cramp(onset_index=100, offset_index=200)) == (0, 1200)


def test_an_episode_told_late_finds_the_seconds_before_it_and_those_after_follow(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    found = []
    for first in range(0, 6000, BLOCK):
        episodes = (
            [cramp(offset_index=None, detected_index=2300)] if first == 2300 else [cramp()] if first == 2600 else []
        )
        found += add(recent, first, episodes)
    recent.close()
    assert kept(found) == dict.fromkeys(range(15, 34), 100)
    assert len(found) == 19
    assert found[0].values[:2].tolist() == [[1500.0, 1501.0], [1501.0, 1502.0]]
    assert (found[0].t_ns, found[0].origin, found[0].unit) == (T0_NS + 15 * S_NS, "demo", "uV")


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_store_and_messages_in_any_order_keep_the_same(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    said: list[tuple[list[tuple[str, SampleBlock]], list[Episode]]] = [
        ([("left", block(first))], [cramp()] if first == 2600 else []) for first in range(0, 6000, BLOCK)
    ]
    found = []
    for begin in range(0, len(said), 20):
        recent = RecentSamples(tmp_path / "recent.sqlite")
        for again in range(2):  # killed before it acknowledged, so that all of it comes once more
            part = said[begin : begin + 20]
            chance.shuffle(part)
            found += [chunk for blocks, episodes in part for chunk in recent.add(blocks, episodes if again else [])]
        recent.close()
    assert kept(found) == dict.fromkeys(range(15, 34), 100)
    for chunk in found:
        assert np.array_equal(
            chunk.values[:, 0][chunk.is_present], np.arange(100.0)[chunk.is_present] + chunk.chunk * 100
        )


def test_what_revisions_want_adds_up_in_whatever_order_they_come(tmp_path: Path) -> None:
    opened, closed = cramp(onset_index=1800, offset_index=None, detected_index=2300), cramp()
    kept_of = []
    for number, episodes in enumerate(([opened, closed], [closed, opened])):
        recent = RecentSamples(tmp_path / f"{number}.sqlite")
        found = recent.add([("left", block(first)) for first in range(0, 6000, BLOCK)], episodes)
        recent.close()
        kept_of.append(kept(found))
    assert kept_of[0] == kept_of[1] == dict.fromkeys(range(13, 34), 100)


def test_a_gap_stays_one_until_it_is_filled(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    there = [first for first in range(0, 5000, BLOCK) if not 2050 <= first < 2200]
    found = [chunk for first in there for chunk in add(recent, first, [cramp()])]
    assert kept(found)[20] == 50
    assert 21 not in kept(found)
    late = [chunk for first in range(2050, 2200, BLOCK) for chunk in add(recent, first, [])]
    recent.close()
    assert kept(late) == {20: 100, 21: 100}


def test_other_streams_sensors_and_boots_are_left_out(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    recent.add([("left", block(2000, 100, stream=3, rate_hz=50.0)), ("right", block(2000, 100))], [cramp()])
    assert recent.add([("left", block(4000, 100, stream=3, rate_hz=50.0)), ("right", block(2200, 100))], []) == []
    recent.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="newest samples"):
        RecentSamples(tmp_path / "file" / "recent.sqlite")


def test_a_second_without_samples_is_none() -> None:
    assert assemble_chunk("left", 3, []) is None
    assert assemble_chunk("left", 3, [block(0)]) is None


def test_the_bands_together_hold_the_power_of_the_signal() -> None:
    noise = np.random.default_rng(0).normal(0.0, 10.0, 500)
    bands = band_rms(noise, 1000.0)
    assert np.sqrt(sum(value**2 for value in bands.values())) == pytest.approx(10.0 * np.sqrt(480 / 500), rel=0.1)
    assert set(band_rms(noise, 100.0)) == {"hz_020", "hz_030"}


def test_a_second_with_a_gap_is_returned_when_the_stream_is_a_second_past_it(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    add(recent, 2000, [cramp()])
    assert [add(recent, first, []) for first in (2050, 2075, 2100, 2125, 2150)] == [[]] * 5
    (found,) = add(recent, 2175, [])[:1]
    recent.close()
    assert (found.chunk, int(found.is_present.sum())) == (20, 75)


def blocks_of(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        found = [first for (first,) in database.execute("SELECT first_index FROM block ORDER BY first_index")]
    database.close()
    return found


def test_blocks_are_kept_for_five_minutes_of_their_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_samples, "_MIN_BUFFER_S", -1.0)
    path = tmp_path / "recent.sqlite"
    recent = RecentSamples(path)
    for first in (0, 25, 30_000):
        add(recent, first, [])
    assert blocks_of(path) == [0, 25, 30_000]
    add(recent, 30_025, [])
    recent.close()
    assert blocks_of(path) == [25, 30_000, 30_025]


def test_blocks_of_an_accelerated_replay_are_kept_for_a_minute_of_real_time(tmp_path: Path) -> None:
    path = tmp_path / "recent.sqlite"
    recent = RecentSamples(path)
    add(recent, 0, [])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE block SET heard_s = heard_s - 50")
    add(recent, 60_000, [])
    assert blocks_of(path) == [0, 60_000]
    with sqlite3.connect(path) as database:
        database.execute("UPDATE block SET heard_s = heard_s - 11 WHERE first_index = 0")
    add(recent, 60_025, [])
    recent.close()
    database.close()
    assert blocks_of(path) == [60_000, 60_025]


def test_an_episode_wants_late_samples_for_a_day(tmp_path: Path) -> None:
    day = 86_400 * 100
    recent = RecentSamples(tmp_path / "recent.sqlite")
    add(recent, 0, [cramp()])
    add(recent, 2000 + day, [])
    assert [chunk.chunk for first in range(2000, 2100, BLOCK) for chunk in add(recent, first, [])] == [20] * 4
    add(recent, 2000 + day + 1, [])
    late = [chunk for first in range(2100, 2200, BLOCK) for chunk in add(recent, first, [])]
    recent.close()
    assert late == []


def test_what_was_written_is_remembered_for_a_bounded_number_of_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_samples, "_MAX_REMEMBERED", 1)
    recent = RecentSamples(tmp_path / "recent.sqlite")
    recent.mark_written([raw(1), raw(2)])
    recent.mark_written([])
    assert not recent._written_samples
    recent.close()


def test_a_second_with_a_gap_is_returned_even_if_the_end_of_the_next_one_is_missing(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    add(recent, 2000, [cramp()])
    assert [add(recent, first, []) for first in (2050, 2075, 2100, 2125, 2150)] == [[]] * 5
    found = add(recent, 2200, [])
    recent.close()
    assert [chunk.chunk for chunk in found] == [20]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_samples_that_come_after_all_revisions_are_stored_for_each_of_them(tmp_path: Path, is_reversed: bool) -> None:
    early = cramp(onset_index=1800, offset_index=None, detected_index=2300)
    recent = RecentSamples(tmp_path / "recent.sqlite")
    for revision in (cramp(), early) if is_reversed else (early, cramp()):
        recent.add([], [revision])
    found = [chunk for first in range(1200, 3600, BLOCK) for chunk in add(recent, first, [])]
    recent.close()
    assert kept(found) == dict.fromkeys(range(13, 34), 100)


def test_an_episode_finds_no_stream_of_another_rate(tmp_path: Path) -> None:
    recent = RecentSamples(tmp_path / "recent.sqlite")
    assert recent.add([("left", block(1000, 2000, stream=3, rate_hz=50.0))], []) == []
    assert recent.add([], [cramp()]) == []
    assert recent.add([("left", block(3000, 500, stream=3, rate_hz=50.0))], []) == []
    recent.close()
