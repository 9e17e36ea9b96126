"""A replay that was started from the page ends when the page's server does, however that ends."""

import json
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from lanes.command_line import processes_in, stage_of, wait_gone
from nights.night_stage import NightStage
from nights.synthetic_night import SyntheticNight

BEGIN_NS = int(datetime(2026, 11, 20, 22, 30, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_a_killed_server_leaves_no_replay_behind(tmp_path: Path) -> None:
    session = SyntheticNight(BEGIN_NS, 600).write_recording(tmp_path / "sessions")
    with NightStage(tmp_path, with_store=False) as stage:
        play(stage, session.stem)
        supervisor = [pid for pid in processes_in(tmp_path) if stage_of(pid) == "replay"]
        processes = supervisor + processes_in(tmp_path / "replay")
        assert {"replay", "simulate", "collector", "detector", "web"} <= {stage_of(pid) for pid in processes}
        stage.kill("web")
        assert wait_gone(processes, timeout_s=20) == []


def play(stage: NightStage, session: str) -> None:
    """Start a replay, and return when its page is there."""
    address = f"{stage.url}api/v1/sessions/{session}/replay"
    headers = {"X-Crampwatch": "1", "Content-Type": "application/json"}
    request = urllib.request.Request(address, b"{}", headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["state"] == "starting"
    until_s = time.monotonic() + 90
    while (state := stage.ask("replay"))["state"] != "running":
        assert state["state"] == "starting", state
        assert time.monotonic() < until_s
        time.sleep(0.1)
