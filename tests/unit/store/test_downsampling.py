"""Downsampled tiers follow from the series, however it was written."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from crampwatch.store.model.downsampling import TIERS_NS, coarsest_tier, downsample, source_tier, touched_spans
from crampwatch.store.model.series import Series, thin_out
from crampwatch.store.sqlite.store import SqliteStore
from hypothesis import given, settings
from hypothesis import strategies as st
from nights.stored_messages import S_NS, T0_NS, features, temperature

DAY_NS = 86_400 * S_NS
HOUR_STEPS = 36_000


def _tier(store: SqliteStore, *, until_ns: int = T0_NS + DAY_NS) -> Series:
    """Return the 10 s tier of the day."""
    return store.series("left", "features", since_ns=T0_NS, until_ns=until_ns, max_points=8640)


def test_the_coarsest_tier_that_is_fine_enough_is_taken() -> None:
    span = {"since_ns": 0, "until_ns": 8 * 3600 * S_NS}
    assert coarsest_tier("features", **span, max_points=3000) is None
    assert coarsest_tier("features", **span, max_points=2000) == TIERS_NS[0]
    assert coarsest_tier("features", **span, max_points=48) == TIERS_NS[1]
    assert coarsest_tier("temperature", **span, max_points=2000) is None
    assert source_tier("features", TIERS_NS[1]) == TIERS_NS[0]
    assert source_tier("temperature", TIERS_NS[1]) is None


def test_spans_that_are_touched() -> None:
    assert touched_spans([(5, 25), (21, 21)], 10) == {0, 10, 20}
    assert touched_spans([], 10) == set()


def test_a_tier_of_a_tier_weighs_by_what_each_was_made_of() -> None:
    t_ns = np.array([0, 1, 2, 10]) * S_NS
    series = Series(
        t_ns, {"rms": np.array([[1.0], [2.0], [3.0], [10.0]]), "envelope": np.array([[1.0]] * 3 + [[np.nan]])}
    )
    fine = downsample(series, 10 * S_NS)
    assert fine.series.values["rms"][:, 0].tolist() == [2.0, 10.0]
    assert fine.counts[:, 0].tolist() == [3.0, 1.0]
    coarse = downsample(fine.series, 600 * S_NS, counts=fine.counts)
    assert coarse.series.values["rms"].tolist() == [[4.0]]
    assert coarse.series.values["envelope"].tolist() == [[1.0]]
    assert coarse.counts.tolist() == [[4.0]]


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(12)), again=st.lists(st.integers(0, 11), max_size=6), cut=st.integers(1, 12))
def test_the_order_of_writing_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], again: list[int], cut: int
) -> None:
    batches = [features(n * 50, 50) for n in range(12)]
    written = [batches[n] for n in [*order, *again]]
    store = SqliteStore(tmp_path_factory.mktemp("tiers") / "store.sqlite")
    for begin in range(0, len(written), cut):
        store.write(written[begin : begin + cut])
    tier = _tier(store)
    series = store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + DAY_NS - 1, max_points=10**9)
    span = {"since_ns": T0_NS, "until_ns": T0_NS + DAY_NS, "max_points": 8640}
    expected = thin_out(series, **span, counts=np.ones((600, 2)))
    store.close()
    assert len(series) == 600
    for name, column in expected.values.items():
        np.testing.assert_allclose(tier.values[name], column, rtol=1e-6)


def test_a_store_without_tiers_gets_them_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = SqliteStore(path)
    store.write([*(features(n, 100) for n in range(0, HOUR_STEPS, 100)), *(temperature(n, 30.0) for n in range(3600))])
    before = _tier(store)
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE tier")
        database.execute("DROP TABLE raw_chunk")
        database.execute("PRAGMA user_version = 1")
    database.close()
    store = SqliteStore(path)
    store.write([])
    after = _tier(store)
    warm = store.series("left", "temperature", since_ns=T0_NS, until_ns=T0_NS + DAY_NS, max_points=144)
    store.close()
    for name, column in before.values.items():
        np.testing.assert_array_equal(after.values[name], column)
    assert np.flatnonzero(warm.values["celsius"][:, 0] == 30.0).tolist() == list(range(6))


def test_gaps_of_hours_stay_gaps(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([features(0, 100), features(HOUR_STEPS, 100)])
    tier = _tier(store)
    store.close()
    known = np.flatnonzero(np.isfinite(tier.values["rms"][:, 0]))
    assert known.tolist() == [0, 360]
    assert len(tier) == 8640
