"""A replay started from the page: reported, ended, and never connected to the broker of real nights."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.sessions.replay import Replay

READY = """
import json, os, time
ours = [name for name in os.environ if name.startswith("CRAMPWATCH_")]
print(json.dumps({"event": "ready", "url": f"http://127.0.0.1:1/{ours}"}), flush=True)
time.sleep(60)
"""
FAILS = "import sys; print('Another crampwatch works in this folder.', file=sys.stderr); sys.exit(3)"


def plays(program: str) -> Replay:
    return Replay(lambda _path, _speed: [sys.executable, "-c", program])


def until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_replay_reports_its_page_and_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAMPWATCH_BROKER_URL", "mqtt://real.nights")
    replay = plays(READY)
    assert replay.state.state == "none"
    assert replay.start(Path("night.cws"), 2.0).state == "starting"
    until(lambda: replay.state.state == "running")
    assert replay.state.url == "http://127.0.0.1:1/['CRAMPWATCH_SUPERVISED']"
    replay.stop()
    until(lambda: replay.state.state == "ended")
    assert (replay.state.session, replay.state.error) == ("night", "")
    replay.stop()


def test_a_new_replay_ends_the_running_one() -> None:
    replay = plays(READY)
    replay.start(Path("first.cws"), 1.0)
    until(lambda: replay.state.state == "running")
    replay.start(Path("second.cws"), 1.0)
    until(lambda: replay.state.state == "running")
    assert replay.state.session == "second"
    replay.stop()
    until(lambda: replay.state.state == "ended")


def test_a_failed_replay_reports_the_last_line_of_output() -> None:
    replay = plays(FAILS)
    replay.start(Path("night.cws"), 1.0)
    until(lambda: replay.state.state == "ended")
    assert replay.state.error == "Another crampwatch works in this folder."


def test_a_missing_program_is_refused() -> None:
    replay = Replay(lambda _path, _speed: ["/nowhere/crampwatch"])
    with pytest.raises(UnavailableError, match="cannot be started"):
        replay.start(Path("night.cws"), 1.0)
    assert replay.state.state == "ended"
