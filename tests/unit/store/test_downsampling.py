"""Downsampled tiers follow from the series, however it was written."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from crampwatch.store.model.downsampling import (
    TIERS_NS,
    coarsest_tier,
    contiguous_runs,
    downsample,
    source_tier,
    tier_name,
    tier_spans,
    touched_spans,
)
from crampwatch.store.model.series import FIELDS, Series, thin_out
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


def test_a_tier_is_used_from_the_span_at_which_it_has_a_row_for_each_point() -> None:
    for span_ns, finer in ((TIERS_NS[0], None), (TIERS_NS[1], TIERS_NS[0])):
        span = {"since_ns": T0_NS, "max_points": 100}
        assert coarsest_tier("features", until_ns=T0_NS + 100 * span_ns, **span) == span_ns
        assert coarsest_tier("features", until_ns=T0_NS + 100 * span_ns - 1, **span) == finer
    assert coarsest_tier("features", since_ns=0, until_ns=TIERS_NS[0], max_points=0) == TIERS_NS[0]


def test_only_features_have_the_fine_tier() -> None:
    assert tier_spans("features") == TIERS_NS == (10 * S_NS, 600 * S_NS)
    assert [tier_spans(name) for name in ("temperature", "battery", "link")] == [TIERS_NS[1:]] * 3
    assert [tier_name("features", span_ns) for span_ns in TIERS_NS] == ["features_10s", "features_10m"]


def test_a_moment_on_a_border_belongs_to_the_span_that_starts_there() -> None:
    assert touched_spans([(0, 9)], 10) == {0}
    assert touched_spans([(0, 10)], 10) == {0, 10}
    assert touched_spans([(9, 10)], 10) == {0, 10}
    rows = downsample(Series(np.array([0, 9, 10, 19]), {"rms": np.ones((4, 1))}), 10)
    assert rows.series.t_ns.tolist() == [0, 10]
    assert rows.counts[:, 0].tolist() == [2.0, 2.0]


def test_adjacent_spans_are_one_run() -> None:
    assert list(contiguous_runs([30, 0, 10, 50], 10)) == [(0, 20), (30, 40), (50, 60)]
    assert list(contiguous_runs([], 10)) == []


def test_the_row_that_is_under_way_starts_where_the_reader_does() -> None:
    rows = downsample(Series(np.array([0, 10, 20]), {"rms": np.ones((3, 1))}), 10)
    assert rows.clipped_from(15).t_ns.tolist() == [15, 15, 20]


def test_peaks_and_counters_are_the_greatest_all_others_the_mean() -> None:
    values = np.array([[1.0], [4.0], [np.nan]])
    names = [name for fields in FIELDS.values() for name in fields]
    rows = downsample(Series(np.array([0, 1, 2]), dict.fromkeys(names, values)), 10)
    assert rows.counts.tolist() == [[2.0]], "an unknown value is not counted"
    greatest = {name for name in names if rows.series.values[name][0, 0] == 4.0}
    assert greatest == {
        "envelope",
        "received_samples",
        "lost_samples",
        "backfilled_samples",
        "broken_frames",
        "reconnects",
    }
    assert all(rows.series.values[name][0, 0] == 2.5 for name in set(names) - greatest)


def test_a_series_read_from_within_a_span_has_the_row_of_that_span(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([features(0, 100), features(100, 100)])
    span = {"until_ns": T0_NS + 9000 * S_NS, "max_points": 864}
    within = store.series("left", "features", since_ns=T0_NS + 10 * S_NS - 1, **span)
    after = store.series("left", "features", since_ns=T0_NS + 10 * S_NS, **span)
    store.close()
    assert within.values["rms"][0, 0] == 99.5, "both rows"
    assert after.values["rms"][0, 0] == 149.5


def test_a_series_may_start_and_end_within_a_packed_chunk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([features(0, 100)])
    found = store.series("left", "features", since_ns=T0_NS + S_NS, until_ns=T0_NS + 2 * S_NS)
    store.close()
    assert found.values["rms"][:, 0].tolist() == list(range(10, 20))
