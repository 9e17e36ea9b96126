"""One suite for every engine: what a store promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crampwatch.protocol.kinds import EpisodeKind, Origin, Quality
from crampwatch.protocol.messages import Battery, Link, Message, SensorState, ServiceStatus
from crampwatch.store.engines import open_store
from crampwatch.store.model.interface import Store
from lanes.influx_server import TOKEN, InfluxServer, influx_server
from nights.stored_messages import S_NS, SESSION, T0_NS, episode, features, info, journal, notice, raw, temperature

HOUR_NS = 3600 * S_NS


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture(params=["sqlite", "influx"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        store = open_store(f"sqlite://{tmp_path}/store.sqlite")
    else:
        server = request.getfixturevalue("influx")
        server.empty()
        store = open_store(server.url, token=TOKEN)
    yield store
    store.close()


def test_an_empty_store_answers_with_nothing(store: Store) -> None:
    store.write([])
    assert store.episodes() == []
    assert store.notices() == []
    assert store.journal() == []
    assert store.sessions() == store.sensors() == []
    assert len(store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)) == 0
    assert len(store.series("left", "temperature", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)) == 0


def test_documents_come_back_whole(store: Store) -> None:
    store.write([episode(1), notice(2), journal(3), info()])
    assert store.episodes() == [episode(1)]
    assert store.notices() == [notice(2)]
    assert store.journal() == [journal(3)]
    assert store.sessions() == [info()]


def test_writing_again_changes_nothing(store: Store) -> None:
    batch: list[Message] = [episode(1), notice(2), journal(3), info(), features(0), temperature(1, 30.0)]
    for _ in range(3):
        store.write(batch)
    store.write(batch * 2)
    assert store.episodes() == [episode(1)]
    assert store.notices() == [notice(2)]
    assert len(store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)) == 5
    assert len(store.series("left", "temperature", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)) == 1


def test_the_highest_revision_of_an_episode_holds_in_whatever_order_they_come(store: Store) -> None:
    opened = episode(1, revision=1, status="opened", offset_ns=None, offset_index=None)
    moved = episode(1, revision=2, status="updated", onset_ns=T0_NS + 59 * S_NS, kind=EpisodeKind.MOVEMENT)
    closed = episode(1, revision=3)
    for revision in (moved, opened, closed, moved, opened):
        store.write([revision])
    assert store.episodes() == [closed]


def test_revisions_in_one_batch(store: Store) -> None:
    store.write([episode(1, revision=3), episode(1, revision=1), episode(1, revision=2)])
    assert store.episodes() == [episode(1, revision=3)]


def test_a_final_verdict_beats_any_live_one(store: Store) -> None:
    final = episode(1, revision=0, status="final", confidence=0.9, onset_ns=T0_NS + 61 * S_NS)
    store.write([final])
    store.write([episode(1, revision=7)])
    assert store.episodes() == [final]


def test_what_was_retracted_is_shown_only_to_who_asks(store: Store) -> None:
    retracted = episode(1, revision=2, status="retracted")
    store.write([episode(1), retracted, episode(2)])
    assert store.episodes() == [episode(2)]
    assert store.episodes(with_retracted=True) == [retracted, episode(2)]


def test_episodes_by_span_sensor_and_session(store: Store) -> None:
    other = episode(5, sensor="right", id="right-1", session="another")
    lasting = episode(9, offset_ns=None, offset_index=None, status="opened")
    store.write([episode(n) for n in range(4)] + [other, lasting])
    assert store.episodes(sensor="right") == [other]
    assert store.episodes(session="another") == [other]
    span = store.episodes(since_ns=T0_NS + 70 * S_NS, until_ns=T0_NS + 120 * S_NS)
    assert span == [episode(1)]
    assert store.episodes(since_ns=T0_NS + HOUR_NS) == [lasting]


def test_two_episodes_of_one_moment_are_two(store: Store) -> None:
    store.write([episode(1), episode(1, id="left-another")])
    assert len(store.episodes()) == 2


def test_the_newest_word_on_a_session_holds(store: Store) -> None:
    ended = info(t_ns=T0_NS + HOUR_NS, ended_ns=T0_NS + HOUR_NS)
    store.write([info()])
    store.write([ended])
    store.write([info()])
    later = info(session="later", started_ns=T0_NS + 2 * HOUR_NS, t_ns=T0_NS + 2 * HOUR_NS)
    right = info("right")
    store.write([later, right])
    assert store.sessions(sensor="left") == [ended, later]
    assert store.sensors() == [later, right]


def test_notices_and_journal_by_span(store: Store) -> None:
    store.write([notice(n) for n in range(5)] + [journal(n) for n in range(5)])
    assert store.notices(since_ns=T0_NS + S_NS, until_ns=T0_NS + 3 * S_NS) == [notice(1), notice(2)]
    assert store.journal(since_ns=T0_NS + 4 * S_NS, sensor="left") == [journal(4)]
    assert store.journal(sensor="right") == []


def test_features_come_back_by_step_and_channel(store: Store) -> None:
    store.write([features(60, 10), features(70, 3)])
    series = store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)
    assert np.abs(series.t_ns - (T0_NS + np.arange(60, 73) * 100_000_000)).max() <= 5_000_000
    assert series.values["rms"].tolist() == [[n, n + 1] for n in range(60, 73)]
    assert series.values["threshold"].tolist() == [[6.0, 6.0]] * 13
    assert np.isnan(series.values["median_hz"]).all()


def test_batches_said_again_with_other_borders_are_not_doubled(store: Store) -> None:
    store.write([features(0, 4), features(4, 4), features(8, 4)])
    store.write([features(2, 7, t_ns=T0_NS + 200_000_000 + 40_000)])
    series = store.series("left", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)
    assert series.values["rms"][:, 0].tolist() == list(range(12))


def test_a_span_of_features_ends_where_asked(store: Store) -> None:
    store.write([features(n, 10) for n in range(0, 200, 10)])
    series = store.series("left", "features", since_ns=T0_NS + 5 * S_NS, until_ns=T0_NS + 10 * S_NS)
    assert series.values["rms"][:, 0].tolist() == list(range(50, 100))


def test_missing_values_are_gaps(store: Store) -> None:
    store.write([temperature(n, None if n in (2, 3) else 30.0 + n) for n in range(6)])
    series = store.series("left", "temperature", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)
    assert series.values["celsius"][:, 0].tolist() == [30, 31, 34, 35]


def test_thinned_peaks_stay_and_gaps_stay(store: Store) -> None:
    store.write([features(n, 10) for n in range(0, 100, 10)] + [features(n, 10) for n in range(300, 400, 10)])
    store.write([temperature(n, 20.0 + n % 2) for n in range(40)])
    span = {"since_ns": T0_NS, "until_ns": T0_NS + 40 * S_NS, "max_points": 20}
    series = store.series("left", "features", **span)
    assert series.t_ns.tolist() == [T0_NS + 2 * n * S_NS for n in range(20)]
    assert series.values["envelope"][:6, 0].tolist()[:5] == [38.0, 78.0, 118.0, 158.0, 198.0]
    assert np.isnan(series.values["envelope"][5:15, 0]).all()
    assert series.values["rms"][0].tolist() == [9.5, 10.5]
    warm = store.series("left", "temperature", **span)
    assert warm.values["celsius"][:, 0].tolist() == [20.5] * 20


def test_a_night_comes_of_a_tier_the_same_in_every_engine(store: Store) -> None:
    store.write([features(n, 100) for n in range(0, 3600, 100)] + [features(n, 100) for n in range(9000, 9300, 100)])
    span = {"since_ns": T0_NS + S_NS, "until_ns": T0_NS + 8 * HOUR_NS, "max_points": 480}
    series = store.series("left", "features", **span)
    assert len(series) == 480
    assert series.t_ns[0] == T0_NS + S_NS
    known = np.flatnonzero(np.isfinite(series.values["rms"][:, 0]))
    assert known.tolist() == [0, 1, 2, 3, 4, 5, 14, 15]
    assert series.values["rms"][1, 0] == pytest.approx(999.5)
    assert series.values["envelope"][1, 1] == 2599.0
    assert np.isnan(series.values["median_hz"]).all()


def test_a_night_is_summed_up(store: Store) -> None:
    ended = info(t_ns=T0_NS + 2 * HOUR_NS, ended_ns=T0_NS + 2 * HOUR_NS)
    store.write([info(), episode(1), episode(2), episode(3, kind=EpisodeKind.TWITCH), episode(4, status="retracted")])
    store.write([features(n, 100) for n in range(0, 18_000, 100)])
    store.write(
        [journal(5, entry="factor", text="magnesium"), ended, episode(2, offset_ns=T0_NS + 180 * S_NS, revision=2)]
    )
    (night,) = store.nights()
    assert (night.night, night.begin_ns, night.end_ns) == ("2023-11-14", T0_NS, T0_NS + 2 * HOUR_NS)
    assert night.monitored_s == pytest.approx(1800.0)
    assert night.coverage == pytest.approx(0.25)
    assert night.cramps == 2
    assert night.cramps_per_hour == pytest.approx(4.0)
    assert (night.longest_s, night.cramp_s) == (60.0, 90.0)
    assert night.others["twitch"] == 1
    assert night.factors == ("magnesium",)
    assert store.nights(sensor="right") == store.nights(since_ns=T0_NS + 1) == []


def test_a_night_under_way_is_summed_up_as_far_as_it_is_known(store: Store) -> None:
    store.write([info(), *(features(n, 100) for n in range(0, 9000, 100))])
    (night,) = store.nights()
    assert night.end_ns == T0_NS + 900 * S_NS
    assert (night.cramps, night.cramps_per_hour, night.coverage) == (0, 0.0, 1.0)


def test_raw_emg_comes_back_to_the_sample(store: Store) -> None:
    written = [raw(7), raw(8, holes=(810, 811)), raw(7, stream=2), raw(7, sensor="right"), raw(20, boot_id=43)]
    store.write([*written, episode(1)])
    found = store.raw_emg("left", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)
    assert [(one.chunk, one.stream, one.boot_id) for one in found] == [(7, 1, 42), (7, 2, 42), (8, 1, 42), (20, 1, 43)]
    assert found[0] == written[0]
    np.testing.assert_array_equal(found[2].values, written[1].values)
    assert store.raw_emg("left", since_ns=T0_NS + 9 * S_NS, until_ns=T0_NS + 20 * S_NS) == []


def test_raw_emg_told_again_by_another_clock_is_not_doubled_and_fills_what_lacked(store: Store) -> None:
    store.write([raw(7, holes=(705, 706))])
    store.write([raw(7, t_ns=T0_NS + 7 * S_NS + 1_234_567)])
    store.write([raw(7, t_ns=T0_NS + 7 * S_NS - 2_000_000, holes=(700,))])
    assert store.raw_emg("left", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS) == [raw(7)]


def test_battery_link_state_and_service_status_are_kept(store: Store) -> None:
    common: dict[str, Any] = {"sensor": "left", "t_ns": T0_NS, "origin": Origin.DEMO}
    store.write(
        [
            Battery(percent=80, **common),
            Link(connected=True, rssi_dbm=-60, received_samples=9, lost_samples=4, **common),
            SensorState(state="rest", session=SESSION, quality=((Quality.MAINS,), ()), **common),
            ServiceStatus(online=True, service="collector", **common),
        ]
    )
    span = {"since_ns": T0_NS, "until_ns": T0_NS + 1}
    assert store.series("left", "battery", **span).values["percent"].tolist() == [[80.0]]
    link = store.series("left", "link", **span)
    assert link.values["rssi_dbm"].tolist() == [[-60.0]]
    assert link.values["lost_samples"].tolist() == [[4.0]]


def test_sensors_do_not_mix(store: Store) -> None:
    store.write([features(0), features(3, 2, sensor="right")])
    series = store.series("right", "features", since_ns=T0_NS, until_ns=T0_NS + HOUR_NS)
    assert series.values["rms"][:, 0].tolist() == [3.0, 4.0]
