"""Nothing a stranger sends breaks the page's server: every operation it describes, those that destroy things too."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_night import Contraction, MadeUpNight
from schemathesis.core.result import Ok
from served_archive import Served

BEGIN_NS: Final = 1_790_000_000_000_000_000
NIGHTS: Final = [MadeUpNight(BEGIN_NS + n * 86_400_000_000_000, 20, [Contraction(5, 6)]) for n in range(3)]
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
        served.client.post("/api/v1/backups")
        served.until("backups", lambda told: told["job"]["state"] != "running")
        yield served


def test_whatever_is_asked_the_server_stands(served: Served) -> None:
    described = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    real = {
        "session": [row["id"] for row in served.ask("sessions")["sessions"]],
        "backup": [row["id"] for row in served.ask("backups")["backups"]],
        "night": [row["night"] for row in served.ask("nights")],
    }
    asked: dict[tuple[str, str], set[int]] = {}
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(), data=st.data())
        def ask(case: Any, data: st.DataObject) -> None:
            for name in real.keys() & (case.path_parameters or {}).keys():
                if data.draw(st.booleans()):  # made-up names find nothing to break
                    case.path_parameters[name] = data.draw(st.sampled_from(real[name]))
            answer = case.call(headers={"X-Crampwatch": "1"}, timeout=60)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            asked.setdefault((case.method, case.path), set()).add(answer.status_code)

        ask()
    assert asked.keys() == {(one.method, one.path) for one in served.archive.operations()}
    done = {key for key, codes in asked.items() if any(code < 300 for code in codes)}
    assert done >= DESTRUCTIVE


def test_afterwards_it_works_on(served: Served) -> None:
    served.client.delete("/api/v1/replay")
    kept = {row["id"] for row in served.ask("sessions")["sessions"]}
    assert len(kept) == len(NIGHTS)  # whatever was deleted is put aside, not gone
    for name in kept:
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
