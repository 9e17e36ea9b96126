"""A cache returns what was read from a session, and a damaged cache counts as missing."""

from pathlib import Path

import numpy as np
import pytest
from crampwatch.web.night.cache import covered_ranges_ns, load_cache, load_cached_ranges_ns, save_cache
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.reader import SessionFollower
from nights.synthetic_night import Contraction, SyntheticNight

NIGHT = SyntheticNight(1_795_000_000_000_000_000, 70, [Contraction(20, 5)], gaps=((30, 40),))


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> SessionFollower:
    follower = SessionFollower(NIGHT.write_recording(tmp_path_factory.mktemp("night")))
    while follower.read_batch():
        pass
    follower.fit_times()
    return follower


def signal_of(follower: SessionFollower) -> BootSignal:
    return follower.sensors["CW-LEFT"].signals[0]


def test_a_session_is_followed_to_its_end_with_its_gap(follower: SessionFollower) -> None:
    assert follower.is_complete
    (first, gap), (after, _) = ((signal_of(follower).covered_ns() - NIGHT.begin_ns) / 1e9).tolist()
    assert (first, gap, after) == pytest.approx((0, 30, 40), abs=0.1)
    assert len(follower.sensors["CW-LEFT"].temperature) == 2


def test_the_cache_returns_what_was_read(follower: SessionFollower, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "x.night.npz"
    save_cache(path, follower.sensors, last_seq=follower.last_seq)
    cached = load_cache(path, last_seq=follower.last_seq)
    assert cached is not None
    old, new = signal_of(follower), cached["CW-LEFT"].signals[0]
    np.testing.assert_array_equal(new.covered_ns(), old.covered_ns())
    np.testing.assert_array_equal(new.pyramid.base, old.pyramid.base)
    np.testing.assert_array_equal(new.frame_table()[:, :4], old.frame_table()[:, :4])
    assert (new.gains, new.labels, new.origin_index) == (old.gains, old.labels, old.origin_index)
    assert cached["CW-LEFT"].temperature == follower.sensors["CW-LEFT"].temperature
    np.testing.assert_array_equal(load_cached_ranges_ns(path), covered_ranges_ns(follower.sensors))


def test_a_cache_of_another_end_or_a_damaged_one_counts_as_missing(follower: SessionFollower, tmp_path: Path) -> None:
    path = tmp_path / "x.night.npz"
    assert load_cache(path, last_seq=1) is None
    save_cache(path, follower.sensors, last_seq=follower.last_seq)
    assert load_cache(path, last_seq=follower.last_seq + 1) is None
    path.write_bytes(path.read_bytes()[:5000])
    assert load_cache(path, last_seq=follower.last_seq) is None
    assert load_cached_ranges_ns(path) is None
