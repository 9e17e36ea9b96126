"""`crampwatch demo` as a newcomer runs it."""

import os
import signal
import time
import urllib.request
from pathlib import Path

from lanes.command_line import command, processes_in, running, wait_gone
from lanes.patience import PATIENCE_S, on_this_machine


def test_demo_shows_a_cramp_within_the_minute_and_ends_by_itself(tmp_path: Path) -> None:
    with running("demo", "--for", "45", "--no-browser", "--data", tmp_path) as demo:
        ready = demo.until("ready")
        with urllib.request.urlopen(ready["url"], timeout=PATIENCE_S) as page:
            assert page.status == 200
            assert b"<html" in page.read().lower()
        began_s = time.monotonic()
        notice = demo.until("notice")
        assert notice["code"] == "cramp"
        assert "likely involuntary" in notice["text"]
        assert time.monotonic() - began_s < on_this_machine(60)
        summary = demo.until("summary")
        assert demo.end() == 0
    assert summary["origin"] == "demo"
    assert summary["sensors"] == 2
    assert summary["final"]
    assert summary["episodes"]["cramp"] >= 1
    assert summary["lost"] == 0
    assert summary["received"] > 2 * 30_000
    assert summary["restarts"] == {}
    assert processes_in(tmp_path) == []


def test_ctrl_c_ends_everything_within_five_seconds(tmp_path: Path) -> None:
    with running("demo", "--no-browser", "--data", tmp_path) as demo:
        demo.until("ready")
        pids = processes_in(tmp_path)
        assert len(pids) >= 7  # supervisor, broker and its server, simulator, collector, detector, store, page
        began_s = time.monotonic()
        demo.interrupt()
        assert demo.end() == 0
        took_s = time.monotonic() - began_s
    assert took_s < on_this_machine(5)
    assert wait_gone(pids, timeout_s=2) == []


def test_ctrl_c_while_starting_ends_everything(tmp_path: Path) -> None:
    with running("demo", "--no-browser", "--data", tmp_path) as demo:
        while not demo.children():
            time.sleep(0.05)  # another process's children announce nothing
        demo.interrupt()
        assert demo.end() in (0, 130)
    assert wait_gone(processes_in(tmp_path), timeout_s=5) == []


def test_no_stage_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with running("demo", "--no-browser", "--data", tmp_path) as demo:
        demo.until("ready")
        pids = processes_in(tmp_path)
        os.kill(demo.process.pid, signal.SIGKILL)
        assert wait_gone(pids, timeout_s=PATIENCE_S) == []


def test_a_second_program_in_the_same_folder_is_refused_and_one_elsewhere_is_not(tmp_path: Path) -> None:
    with running("demo", "--no-browser", "--data", tmp_path / "one") as first:
        first.until("ready")
        refused = command("demo", "--no-browser", "--data", tmp_path / "one")
        assert refused.returncode == 3
        assert "Another crampwatch is using" in refused.stderr
        with running("demo", "--no-browser", "--data", tmp_path / "two") as second:
            assert second.until("ready")["url"] != first.events[0]["url"]
            second.interrupt()
            assert second.end() == 0
        first.interrupt()
        assert first.end() == 0
