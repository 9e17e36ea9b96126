"""Every query of every panel, choice and alert, against a real InfluxDB that a simulated night came into."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crampwatch.bus.client import Bus
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.recordings.truth import TruthEvent
from crampwatch.store.ingest.service import StoreOptions, run
from grafana.alerts import RULES, Rule
from lanes.influx_server import TOKEN, InfluxServer, influx_server
from nights.simulated_night import LENGTH_S, S_NS, Night, simulated_night
from nights.stored_night import (
    publish,
    read_points,
    running_broker,
    start_store,
    timer,
    wait_for_backlog,
    wait_for_points,
    wait_until_stored,
)

_JSON = Path(__file__).parents[3] / "dashboards" / "grafana" / "json"
_MINUTE_NS = 60 * S_NS
_PATIENCE_S = 600.0
"""For a whole night on its way through broker, service and database on a small, busy machine."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A query as a dashboard has it, and where it stands."""

    place: str
    query: str
    interval: str = ""


def _dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem.removeprefix("crampwatch-"): json.loads(path.read_text("utf-8")) for path in _JSON.glob("*.json")}


def _queries(name: str, dashboard: dict[str, Any]) -> Iterator[Asked]:
    for variable in dashboard["templating"]["list"]:
        yield Asked(f"{name}/choice of {variable['name']}", variable["query"])
    for annotation in dashboard["annotations"].get("list", ()):
        yield Asked(f"{name}/marks of {annotation['name']}", annotation["query"])
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield Asked(f"{name}/{panel['title']} {target['refId']}", target["query"], panel.get("interval", ""))


DASHBOARDS = _dashboards()
ASKED = [asked for name, dashboard in DASHBOARDS.items() for asked in _queries(name, dashboard)]


def alert(rule: Rule) -> Asked:
    return Asked(f"alert/{rule.title}", " ".join(rule.query.split()))


ALERTS = [alert(rule) for rule in RULES]


@dataclass(frozen=True)
class Grafana:
    """Does with a query what Grafana does before it sends it."""

    server: InfluxServer
    night: Night

    def ask(self, asked: Asked, *, sensor: str = ".*", span_ns: tuple[int, int] | None = None) -> list[Row]:
        begin_ns, end_ns = span_ns or self._span_of(asked)
        text = asked.query.replace("$timeFilter", f"time >= {begin_ns // 10**6}ms and time <= {end_ns // 10**6}ms")
        text = text.replace("$__interval", asked.interval or f"{max(1, (end_ns - begin_ns) // (1000 * S_NS))}s")
        for name, value in {"sensor": sensor, "side": ".*", "night": ".*"}.items():
            text = text.replace(f"${name}", value)
        assert "$" not in text.replace("$/", ""), text
        (result,) = json.loads(self.server.query(text, epoch="ns"))["results"]
        assert "error" not in result, f"{asked.place}: {result}"
        return [
            dict(zip(series["columns"], row, strict=True)) | series.get("tags", {})
            for series in result.get("series", ())
            for row in series["values"]
        ]

    def _span_of(self, asked: Asked) -> tuple[int, int]:
        """Return what is looked at: what the dashboard shows at first; for an episode, the span of a link to one."""
        name = asked.place.split("/")[0]
        now_ns = time.time_ns()
        if name == "live":
            return self.night.end_ns - 5 * _MINUTE_NS, self.night.end_ns
        if name == "episode" and "choice" not in asked.place:
            row = next(row for row in self.ask(named("night/Episodes A")) if row["kind"] == "cramp")
            return round(row["from"] * 1e6), round(row["to"] * 1e6)
        if name == "alert":
            return self.night.end_ns - 10 * _MINUTE_NS, now_ns
        length = {"night": 12 * 60, "trends": 365 * 24 * 60, "fleet": 24 * 60}.get(name, 60)
        return now_ns - length * _MINUTE_NS, now_ns


def true_cramps(night: Night) -> list[TruthEvent]:
    return [event for event in night.truth if event.kind is EpisodeKind.CRAMP]


def named(place: str) -> Asked:
    return next(asked for asked in ASKED if asked.place == place)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture(scope="module")
def empty(server: InfluxServer) -> dict[str, list[Row]]:
    """What is answered before anything was stored."""
    grafana = Grafana(server, simulated_night())
    now_ns = time.time_ns()
    return {asked.place: grafana.ask(asked, span_ns=(now_ns - S_NS, now_ns)) for asked in [*ASKED, *ALERTS]}


@pytest.fixture(scope="module")
def grafana(empty: object, server: InfluxServer, tmp_path_factory: pytest.TempPathFactory) -> Grafana:  # noqa: ARG001 - asked before
    """A database that the night came into by broker and store service."""
    night = simulated_night()
    asyncio.run(_store(night, server, tmp_path_factory.mktemp("data")))
    return Grafana(server, night)


async def _store(night: Night, server: InfluxServer, folder: Path) -> None:
    """Let the service store a night, undisturbed."""
    stop = asyncio.Event()
    async with running_broker(folder) as broker:
        options = StoreOptions(broker.address, server.url, folder, token=TOKEN)
        service = asyncio.create_task(run(options, stop=stop))
        async with asyncio.timeout(_PATIENCE_S), Bus(broker.address, client_id="giver") as bus:
            await wait_for_backlog(bus)
            await publish(bus, night.publications)
            await wait_until_stored(server, night, folder)
            await _until_worked_off(Grafana(server, night))
        stop.set()
        await service


async def _until_worked_off(grafana: Grafana) -> None:
    """Wait until the database knows that nothing waits any more: the service tells every few seconds."""
    (rule,) = (rule for rule in RULES if rule.uid == "crampwatch-backlog")
    while any(row["backlog"] > rule.limit for row in await asyncio.to_thread(grafana.ask, alert(rule))):  # noqa: ASYNC110 - in other processes
        await asyncio.sleep(0.5)


def test_an_empty_database_answers_every_query_with_nothing(empty: dict[str, list[Row]]) -> None:
    assert len(empty) == len(ASKED) + len(ALERTS) > 60
    assert {place: rows for place, rows in empty.items() if rows} == {}


@pytest.mark.parametrize("asked", [*ASKED, *ALERTS], ids=lambda asked: asked.place)
def test_every_query_finds_data_in_every_column(grafana: Grafana, asked: Asked) -> None:
    rows = grafana.ask(asked)
    assert rows
    columns = {name for row in rows for name in row if name != "time"}
    absent = {name for name in columns if all(row.get(name) is None for row in rows)}
    assert absent <= {f"channel {n} {end}" for n in (2, 3) for end in ("high", "low")}


def test_what_can_be_chosen(grafana: Grafana) -> None:
    assert [row["value"] for row in grafana.ask(named("live/choice of side"))] == ["left", "right"]
    assert [row["value"] for row in grafana.ask(named("live/choice of sensor"))] == ["CW-LEFT", "CW-RIGHT"]
    (night,) = {row["distinct"] for row in grafana.ask(named("night/choice of night"))}
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", night)
    only = grafana.ask(named("night/Episodes A"), sensor="(CW-RIGHT|CW-OTHER)")
    assert {row["sensor"] for row in only} <= {"CW-RIGHT"}


def test_the_night_is_summed_up_as_it_was(grafana: Grafana) -> None:
    night = grafana.night
    (row,) = grafana.ask(named("night/Nights A"), sensor="CW-LEFT")
    cramps = [one for one in night.episodes.values() if one.kind is EpisodeKind.CRAMP and one.sensor == "CW-LEFT"]
    assert row["cramps"] == len(cramps) > 0
    assert row["monitored_s"] == pytest.approx(LENGTH_S, abs=3)
    assert row["coverage"] == pytest.approx(1.0, abs=0.01)
    assert row["cramps_per_hour"] == pytest.approx(len(cramps) / LENGTH_S * 3600, rel=0.01)
    lengths_s = [(one.offset_ns - one.onset_ns) / 1e9 for one in cramps if one.offset_ns is not None]
    assert row["longest_s"] == pytest.approx(max(lengths_s))
    assert any(row["longest_s"] == pytest.approx(event.duration_s, rel=0.3) for event in true_cramps(night))
    assert (row["begin"], row["end"]) == (night.begin_ns / 10**6, night.end_ns / 10**6)
    assert row["factors"] == "coffee"


def test_marks_and_rows_tell_of_every_episode(grafana: Grafana) -> None:
    night = grafana.night
    rows = grafana.ask(named("night/Episodes A"))
    assert sorted(row["begin"] for row in rows) == sorted(one.onset_ns / 10**6 for one in night.episodes.values())
    marks = grafana.ask(named("night/marks of Likely cramps"))
    assert len(marks) == sum(one.kind is EpisodeKind.CRAMP for one in night.episodes.values())
    for mark in marks:
        begin_s, end_s = ((ms - night.begin_ns / 1e6) / 1e3 for ms in (mark["time"] / 1e6, mark["end"]))
        assert any(begin_s < event.offset_s and event.onset_s < end_s for event in true_cramps(night))


def test_the_waveform_is_the_signal_itself(grafana: Grafana) -> None:
    night = grafana.night
    cramp = next(one for one in night.episodes.values() if one.kind is EpisodeKind.CRAMP)
    assert cramp.offset_index is not None
    first, last = cramp.onset_index, cramp.offset_index
    span_ns = (night.begin_ns + first * 10**6, night.begin_ns + last * 10**6)
    rows = grafana.ask(named("episode/Raw EMG A"), sensor="CW-LEFT", span_ns=span_ns)
    for channel in (0, 1):
        signal_uv = night.counts[first : last + 1, channel] * 0.25
        assert max(row[f"channel {channel} high"] for row in rows) == pytest.approx(signal_uv.max())
        assert min(row[f"channel {channel} low"] for row in rows) == pytest.approx(signal_uv.min())


def test_tiers_say_what_the_series_says(grafana: Grafana) -> None:
    night = grafana.night
    where = f"FROM %s WHERE sensor = 'CW-LEFT' AND time >= {night.begin_ns} AND time < {night.end_ns}"
    peaks = {
        name: grafana.ask(Asked(name, f"SELECT max(envelope) AS peak, mean(floor) AS floor {where % name}"))[0]
        for name in ("features", "features_10s", "features_10m")
    }
    assert peaks["features"]["peak"] == peaks["features_10s"]["peak"]
    assert peaks["features_10s"]["floor"] == pytest.approx(peaks["features"]["floor"], rel=0.05)


def test_alerts_fire_where_something_is_wrong_and_only_there(grafana: Grafana) -> None:
    fired = {}
    for rule in RULES:
        rows = grafana.ask(alert(rule))
        values = [next(value for key, value in row.items() if key not in ("time", "sensor")) for row in rows]
        fired[rule.uid] = any(value > rule.limit if rule.is_above else value < rule.limit for value in values)
    assert fired == {rule.uid: rule.uid != "crampwatch-backlog" for rule in RULES}


async def test_ten_minutes_without_influxdb_and_a_killed_store_leave_the_same_points(
    grafana: Grafana, tmp_path: Path
) -> None:
    server, night = grafana.server, grafana.night
    undisturbed = read_points(server)
    server.empty()
    parts = [
        [said for said in night.publications if begin_s <= (said.t_ns - night.begin_ns) / S_NS < end_s]
        for begin_s, end_s in ((-1, 60), (60, 250), (250, 400), (400, 660), (660, 9999))
    ]
    async with (
        running_broker(tmp_path) as broker,
        asyncio.timeout(_PATIENCE_S),
        Bus(broker.address, client_id="giver") as bus,
    ):
        store = await start_store(broker, server, tmp_path)
        await wait_for_backlog(bus)
        await publish(bus, parts[0])
        server.refuses = True
        await publish(bus, parts[1])
        store.kill()
        await store.wait()
        await publish(bus, parts[2])
        store = await start_store(broker, server, tmp_path)
        await publish(bus, parts[3])
        store.kill()
        await store.wait()
        store = await start_store(broker, server, tmp_path)
        assert await wait_for_backlog(bus, more_than=0) > 100
        server.refuses = False
        await publish(bus, parts[4])
        await wait_until_stored(server, night, tmp_path)
        is_overdue = timer(30)
        # What the killed service had in hand is sent again a little later.
        after = await wait_for_points(server, lambda points: points == undisturbed or is_overdue())
        store.terminate()
        await store.wait()
    assert after.keys() == undisturbed.keys()
    for measurement, points in undisturbed.items():
        assert after[measurement] == points, measurement
