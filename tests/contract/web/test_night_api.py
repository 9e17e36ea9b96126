"""Nights and recordings over HTTP: what is described is what is served."""

import asyncio
import base64
import json
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyedflib
import pytest
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.web.night.bedtime import make_mark
from nights.served_archive import Served
from nights.synthetic_night import Contraction, SyntheticNight

BEGIN_NS = int(datetime(2026, 11, 20, 22, 30, tzinfo=UTC).timestamp()) * 1_000_000_000
S_NS = 1_000_000_000
NIGHT = "2026-11-20"
CRAMP = Contraction(60, 30)
REAL = SyntheticNight(
    BEGIN_NS,
    200,
    [CRAMP, Contraction(120, 2, EpisodeKind.TWITCH, 30), Contraction(150, 9, amplitude_uv=40, status="retracted")],
    gaps=((100, 110),),
    feet=(("CW-LEFT", "left"), ("CW-RIGHT", "right")),
)
SIMULATED = SyntheticNight(BEGIN_NS + 3600 * S_NS, 60, [Contraction(20, 10)], origin=Origin.DEMO)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for night, folder in ((REAL, data), (SIMULATED, data / "demo")):
        night.write_recording(folder / "sessions")
        night.write_store(folder / "store.sqlite")
    (data / "sessions" / "20260101T000000Z-00000000.cws").write_bytes(b"not a session")
    return data


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Served]:
    with Served(data) as served:
        yield served


def test_nights_are_listed_separately_by_origin(served: Served) -> None:
    simulated, real = served.ask("nights")
    assert (simulated["night"], simulated["origin"]) == (f"demo.{NIGHT}", "demo")
    assert (real["night"], real["origin"], real["sensors"]) == (NIGHT, "live", 2)
    assert real["kinds"] == {"cramp": 1, "twitch": 1}
    assert real["longest_cramp_ns"] == 30 * S_NS


def test_a_night_has_what_was_recorded_and_detected(served: Served) -> None:
    night = served.ask(f"nights/{NIGHT}")
    assert night["read"] == 1.0
    assert night["recorded_s"] == pytest.approx(190, abs=0.2)
    left, right = night["sensors"]
    assert (left["side"], right["side"], left["channels"], left["unit"]) == ("left", "right", 2, "uV")
    begin, end = left["gaps_ns"][0]
    assert (begin - BEGIN_NS) / S_NS == pytest.approx(100, abs=0.1)
    assert (end - BEGIN_NS) / S_NS == pytest.approx(110, abs=0.1)
    assert [row["status"] for row in night["episodes"]] == ["final", "final", "retracted"]
    assert served.client.get("/api/v1/nights/2001-01-01").status_code == 404


def test_a_signal_shows_the_contraction_and_the_gap(served: Served) -> None:
    query = f"nights/{NIGHT}/signal?sensor=CW-LEFT&from_ns={BEGIN_NS}&to_ns={BEGIN_NS + 200 * S_NS}&columns=200"
    wave, envelope = (served.ask(query)[name] for name in ("wave", "envelope"))
    assert (wave["n"], wave["channels"], wave["fields"]) == (200, 2, 2)
    values = unpacked(wave)
    assert max(values[4 * 70 : 4 * 80]) > 80
    assert max(values[4 * 20 : 4 * 50]) < 20
    assert all(value is None for value in values[4 * 102 : 4 * 108])
    assert envelope["fields"] == 3


def unpacked(packed: dict[str, Any]) -> list[Any]:
    data = base64.b64decode(packed["data"])
    counts = struct.unpack(f"<{len(data) // 2}h", data)
    return [None if count == -32768 else count * packed["scale"] for count in counts]


def test_an_episode_has_its_measurements_and_a_spectrum(served: Served) -> None:
    row = served.ask(f"nights/{NIGHT}")["episodes"][0]
    detail = served.ask(f"nights/{NIGHT}/episodes/{row['id']}")
    assert detail["episode"]["reasons"][0] == "sustained for 5 s and longer"
    assert detail["envelope_mean"] == pytest.approx(60, rel=0.2)
    span = f"from_ns={row['onset_ns']}&to_ns={row['offset_ns']}"
    image = served.ask(f"nights/{NIGHT}/spectrum?sensor=CW-LEFT&{span}")
    assert image["columns"] > 20
    assert image["top_hz"] == 500


def test_an_answer_is_saved_changed_and_withdrawn(served: Served) -> None:
    row = served.ask(f"nights/{NIGHT}")["episodes"][1]
    path = f"/api/v1/nights/{NIGHT}/episodes/{row['id']}/label"
    assert served.client.patch(path, json={"verdict": "confirmed", "pain": 7}).json()["pain"] == 7
    assert served.client.patch(path, json={"woke": True}).json()["verdict"] == "confirmed"
    again = served.ask(f"nights/{NIGHT}")["episodes"][1]["label"]
    assert (again["verdict"], again["pain"], again["woke"]) == ("confirmed", 7, True)
    assert "pain" not in served.client.patch(path, json={"pain": None}).json()
    assert {entry.entry for entry in served.published} == {"confirmation", "pain", "factor"}
    assert served.client.patch(path, json={"pain": 11}).status_code == 400


def test_an_answer_the_broker_did_not_confirm_is_refused_and_not_shown(served: Served) -> None:
    row = served.ask(f"nights/{NIGHT}")["episodes"][2]
    served.broker_is_there = False
    answer = served.client.patch(f"/api/v1/nights/{NIGHT}/episodes/{row['id']}/label", json={"verdict": "unsure"})
    served.broker_is_there = True
    assert answer.status_code == 503
    assert "not saved" in answer.json()["error"]
    assert "label" not in served.ask(f"nights/{NIGHT}")["episodes"][2]


def test_recordings_are_listed_with_their_problems(served: Served) -> None:
    rows = {row["state"]: row for row in served.ask("sessions")["sessions"]}
    assert rows["ended"]["recorded_s"] is not None
    assert "not a readable session file" in rows["unreadable"]["problem"]


def test_an_exported_file_opens_in_another_library(served: Served, tmp_path: Path) -> None:
    name = next(row["id"] for row in served.ask("sessions")["sessions"] if row["night"] == NIGHT)
    request = {"format": "edf", "sensor": "CW-LEFT"}
    job = served.client.post(f"/api/v1/sessions/{name}/exports", json=request).json()
    until_s = time.monotonic() + 60
    while job["state"] == "running" and time.monotonic() < until_s:
        job = served.ask(f"exports/{job['id']}")
        time.sleep(0.05)
    assert job["state"] == "done", job
    file = tmp_path / job["file"]
    file.write_bytes(served.client.get(f"/api/v1/exports/{job['id']}/file").content)
    with pyedflib.EdfReader(str(file)) as reader:
        assert reader.getSampleFrequency(0) == 1000
    assert served.client.delete(f"/api/v1/exports/{job['id']}").status_code == 204
    assert served.client.get(f"/api/v1/exports/{job['id']}").status_code == 404


def test_a_format_without_annotations_has_them_in_a_separate_file(served: Served) -> None:
    name = next(row["id"] for row in served.ask("sessions")["sessions"] if row["night"] == NIGHT)
    jobs = {}
    for form in ("csv", "parquet"):
        request = {"format": form, "sensor": "CW-LEFT"}
        key = served.client.post(f"/api/v1/sessions/{name}/exports", json=request).json()["id"]
        jobs[form] = served.until(f"exports/{key}", lambda job: job["state"] != "running")
        assert jobs[form]["state"] == "done", jobs[form]
    table = served.client.get(f"/api/v1/exports/{jobs['csv']['id']}/annotations").text
    assert table.startswith("onset_s,offset_s,label\n")
    assert "likely" in table
    assert jobs["parquet"]["annotations"] == ""
    assert served.client.get(f"/api/v1/exports/{jobs['parquet']['id']}/annotations").status_code == 404


def test_deleting_can_be_undone(served: Served, data: Path) -> None:
    name = next(row["id"] for row in served.ask("sessions")["sessions"] if row["origin"] == "demo")
    assert served.client.delete(f"/api/v1/sessions/{name}").status_code == 204
    assert (data / "demo" / "deleted" / f"{name}.cws").exists()
    states = {row["id"]: row["state"] for row in served.ask("sessions")["sessions"]}
    assert states[name] == "deleted"
    night = served.ask(f"nights/demo.{NIGHT}")
    assert night["problems"] == ["deleted"]
    assert len(night["episodes"]) == 1
    assert served.client.post(f"/api/v1/sessions/{name}/restore").status_code == 204
    assert {row["id"]: row["state"] for row in served.ask("sessions")["sessions"]}[name] == "ended"


def test_a_change_needs_the_header_that_no_other_site_can_send(served: Served) -> None:
    name = served.ask("sessions")["sessions"][0]["id"]
    answer = httpx.delete(f"{served.url}/api/v1/sessions/{name}")
    assert answer.status_code == 403


def test_every_operation_is_described(served: Served) -> None:
    described = served.ask("openapi.json")
    paths = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert paths == {(one.method, one.path) for one in served.archive.operations()}
    assert json.dumps(described).count("$ref") > 10


def test_the_recorded_time_is_given_for_the_night_the_wearer_marked(served: Served) -> None:
    assert served.ask(f"nights/{NIGHT}")["said"] is None
    begin, end = BEGIN_NS + 50 * S_NS, BEGIN_NS + 150 * S_NS
    marks = [make_mark("begin", t_ns=begin, origin=Origin.LIVE), make_mark("end", t_ns=end, origin=Origin.LIVE)]
    asyncio.run(served.archive.record(marks[:1]))
    assert served.ask(f"nights/{NIGHT}")["said"] == {
        "from_ns": begin,
        "to_ns": None,
        "recorded_s": pytest.approx(140, abs=0.1),
    }
    asyncio.run(served.archive.record(marks))
    assert served.ask(f"nights/{NIGHT}")["said"] == {
        "from_ns": begin,
        "to_ns": end,
        "recorded_s": pytest.approx(90, abs=0.1),
    }
    assert served.ask(f"nights/demo.{NIGHT}")["said"] is None
