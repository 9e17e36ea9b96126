"""The rules of a night's summary, each at its bound."""

from pathlib import Path

import pytest
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.store.model.night_summary import Night, evening_date, hours_from_midnight, summarise_night
from crampwatch.store.sqlite.store import SqliteStore
from nights.stored_messages import S_NS, T0_NS, episode, features, info, journal

HOUR_NS = 3600 * S_NS
NOON_NS = 1_700_049_600 * S_NS  # 2023-11-15 12:00 UTC


def night(
    *episodes: tuple[str, float | None], monitored_s: float = 3600.0, end_ns: int = T0_NS + HOUR_NS, **more: object
) -> Night:
    return summarise_night(info(), episodes, end_ns=end_ns, monitored_s=monitored_s, **more)  # type: ignore[arg-type]  # the keywords are its own


def test_a_rate_needs_ten_monitored_minutes() -> None:
    cramp = (EpisodeKind.CRAMP, 30.0)
    assert night(cramp, monitored_s=599.9).cramps_per_hour is None
    assert night(cramp, monitored_s=600.0).cramps_per_hour == 6.0
    assert night(monitored_s=0.0).cramps_per_hour is None


def test_a_factor_counts_from_twelve_hours_before_the_start_until_the_end() -> None:
    end_ns = T0_NS + 8 * HOUR_NS
    times_ns = {
        "too early": T0_NS - 12 * HOUR_NS - 1,
        "a first": T0_NS - 12 * HOUR_NS,
        "b last": end_ns - 1,
        "too late": end_ns,
        "night before": T0_NS - 24 * HOUR_NS,
    }
    entries = [journal(0, id=text, t_ns=t_ns, entry="factor", text=text) for text, t_ns in times_ns.items()]
    assert night(end_ns=end_ns, journal=entries).factors == ("a first", "b last")


def test_only_factors_with_a_text_count_and_each_once() -> None:
    entries = [
        journal(1, entry="factor", text="tea"),
        journal(2, entry="factor", text="beer"),
        journal(3, entry="factor", text="tea"),
        journal(4, entry="factor", text=""),
        journal(5, entry="note", text="slept well"),
    ]
    assert night(journal=entries).factors == ("beer", "tea")


def test_a_factor_of_an_earlier_night_is_not_counted_by_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    early_ns, late_ns = T0_NS - 12 * HOUR_NS - 1, T0_NS - 12 * HOUR_NS
    store.write(
        [
            info(ended_ns=T0_NS + HOUR_NS),
            journal(0, id="early", t_ns=early_ns, entry="factor", text="early"),
            journal(0, id="late", t_ns=late_ns, entry="factor", text="late"),
        ]
    )
    (found,) = store.nights()
    store.close()
    assert found.factors == ("late",)


def test_the_store_gives_no_rate_below_ten_monitored_minutes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    store.write([info(), episode(1), *(features(n, 100) for n in range(0, 5900, 100)), features(5900, 99)])
    assert [one.cramps_per_hour for one in store.nights()] == [None]
    store.write([features(5999, 1)])
    assert [one.cramps_per_hour for one in store.nights()] == [pytest.approx(6.0)]
    store.close()


def test_cramps_and_other_kinds_are_counted_apart() -> None:
    found = night(
        (EpisodeKind.CRAMP, 30.0), (EpisodeKind.CRAMP, 45.5), (EpisodeKind.CRAMP, None), (EpisodeKind.TWITCH, 99.0)
    )
    assert (found.cramps, found.cramp_s, found.longest_s) == (3, 75.5, 45.5)
    assert found.others == {kind.value: int(kind is EpisodeKind.TWITCH) for kind in EpisodeKind if kind != "cramp"}
    assert [type(value) for value in (night().cramp_s, night().longest_s)] == [float, float]


def test_coverage_is_a_share_of_the_recording() -> None:
    assert night(monitored_s=1800.0).coverage == 0.5
    assert night(monitored_s=3600.1).coverage == 1.0
    assert night(end_ns=T0_NS).coverage == 0.0
    assert night(end_ns=T0_NS - S_NS).coverage == 0.0


def test_a_night_begins_at_noon_by_local_time() -> None:
    assert evening_date(NOON_NS - 1, 0) == "2023-11-14"
    assert evening_date(NOON_NS, 0) == "2023-11-15"
    assert evening_date(NOON_NS - HOUR_NS, 3600) == "2023-11-15"


def test_hours_are_counted_from_the_nearest_midnight() -> None:
    assert hours_from_midnight(NOON_NS, 0) == -12.0
    assert hours_from_midnight(NOON_NS - S_NS, 0) == pytest.approx(12 - 1 / 3600)
    assert hours_from_midnight(NOON_NS + 13 * HOUR_NS, 0) == 1.0
    assert hours_from_midnight(NOON_NS, -3600) == 11.0
