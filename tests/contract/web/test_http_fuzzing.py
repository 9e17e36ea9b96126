"""Nothing a stranger sends breaks the page's server: every operation it describes, those that destroy things too."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nights.served_archive import Served
from nights.synthetic_night import Contraction, SyntheticNight
from schemathesis.core.result import Ok

BEGIN_NS: Final = 1_790_000_000_000_000_000
NIGHTS: Final = [SyntheticNight(BEGIN_NS + n * 86_400_000_000_000, 20, [Contraction(5, 6)]) for n in range(3)]
SEEMING_REPLAY: Final = """
import json, sys
print(json.dumps({"event": "ready", "url": "http://127.0.0.1:9/"}), flush=True)
sys.stdin.read()
"""


def seems_to_play(_path: Path, _speed: float) -> Sequence[str]:
    """Return what behaves like a replay, and is no pipeline of six processes."""
    return [sys.executable, "-c", SEEMING_REPLAY]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("asked")
    for night in NIGHTS:
        night.write_recording(data / "sessions")
        night.write_store(data / "store.sqlite")
    with Served(data, replay=seems_to_play) as served:
        yield served


def test_no_request_causes_a_server_error(served: Served) -> None:
    described = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    asked: set[tuple[str, str]] = set()
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        key = (operation.method.upper(), operation.path)
        if key in DESTRUCTIVE:
            prepare(served)
            ask_for_what_is_there(served, *key)
        prepare(served)
        ask_for_anything(operation, names(served))
        asked.add(key)
    assert asked == {(one.method, one.path) for one in served.archive.operations()}
    assert asked >= DESTRUCTIVE


def ask_for_anything(operation: Any, real: dict[str, list[str]]) -> None:
    """Ask for what fits the description, by the names of what is there and by made-up ones, which break nothing."""

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        for name in real.keys() & (case.path_parameters or {}).keys():
            if data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(real[name]))
        answer = case.call(headers={"X-Crampwatch": "1"}, timeout=60)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text

    ask()


def prepare(served: Served) -> None:
    """Put two recordings, a deleted one, a backup and a replay there, so that every operation finds something."""
    served.until("backups", lambda answer: not answer["job"] or answer["job"]["state"] != "running")
    if not served.ask("backups")["backups"]:
        served.client.post("/api/v1/backups").raise_for_status()
        served.until("backups", lambda answer: answer["job"]["state"] == "done")
    *others, last = sorted(served.ask("sessions")["sessions"], key=lambda row: row["id"])
    for row in others:
        if row["state"] == "deleted":
            served.client.post(f"/api/v1/sessions/{row['id']}/restore").raise_for_status()
    if last["state"] != "deleted":
        served.client.delete(f"/api/v1/sessions/{last['id']}").raise_for_status()
    if served.ask("replay")["state"] not in ("starting", "running"):
        served.client.post(f"/api/v1/sessions/{others[0]['id']}/replay", json={}).raise_for_status()


def ask_for_what_is_there(served: Served, method: str, path: str) -> None:
    """Ask for what cannot be refused on a set stage."""
    real = names(served)
    session = max(real["session"]) if path.endswith("{session}/restore") else min(real["session"])
    there = path.format(session=session, backup=real["backup"][0])
    answer = served.client.request(method, there, json={} if path.endswith("/replay") else None)
    assert answer.status_code < 300, (method, there, answer.text)


def names(served: Served) -> dict[str, list[str]]:
    return {
        "session": [row["id"] for row in served.ask("sessions")["sessions"]],
        "backup": [row["id"] for row in served.ask("backups")["backups"]],
        "night": [row["night"] for row in served.ask("nights")],
    }


def test_the_server_still_works_after_all_requests(served: Served) -> None:
    served.client.delete("/api/v1/replay")
    listed = {row["id"] for row in served.ask("sessions")["sessions"]}
    assert len(listed) == len(NIGHTS)  # whatever was deleted is in the trash, not gone
    for name in listed:
        served.client.post(f"/api/v1/sessions/{name}/restore")
    assert {row["state"] for row in served.ask("sessions")["sessions"]} == {"ended"}


DESTRUCTIVE: Final = {
    ("DELETE", "/api/v1/sessions/{session}"),
    ("POST", "/api/v1/sessions/{session}/restore"),
    ("POST", "/api/v1/sessions/{session}/replay"),
    ("DELETE", "/api/v1/replay"),
    ("DELETE", "/api/v1/backups/{backup}"),
    ("POST", "/api/v1/backups/{backup}/restore"),
}
