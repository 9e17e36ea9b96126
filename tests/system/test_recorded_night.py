"""What a worn night leaves behind, and what can be done with it: a simulated sensor, worn through `crampwatch wear`."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crampwatch.bus.endpoint import free_port
from crampwatch.recordings import read
from lanes.command_line import PROGRAM, command, environment, processes_in, running
from lanes.patience import PATIENCE_S, on_this_machine


@contextmanager
def simulated_sensor(folder: Path) -> Iterator[str]:
    """Run a sensor on a virtual radio; give the adapter to reach it by."""
    port = free_port()
    arguments = ["simulate", "--scenario", "cramp", "--seed", "3", "--listen", f"127.0.0.1:{port}", "--data", folder]
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], env=environment(), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        assert re.search(rb"simulated sensor.* on 127.0.0.1", process.stderr.readline())
        yield f"bumble:tcp-client:127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        process.stderr.close()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of a short night, ended by Ctrl-C in the morning."""
    folder = tmp_path_factory.mktemp("night")
    with simulated_sensor(folder / "sensor") as adapter:
        arguments = ("--adapter", adapter, "--placement", "CW-SIMA=left:abductor hallucis", "--no-browser")
        with running("wear", *arguments, "--data", folder / "data") as wear:
            wear.until("ready")
            assert "left abductor hallucis" in wear.until("notice")["text"]
            wear.interrupt()
            began_s = time.monotonic()
            summary = wear.until("summary")
            assert time.monotonic() - began_s < on_this_machine(5)
            assert processes_in(folder / "data") == [wear.process.pid]
            judged = wear.until("judged")
            assert wear.end() == 0
    assert summary["origin"] == "demo", "a simulated sensor says so, whoever wears it"
    assert sum(judged["episodes"].values()) >= 1
    return folder / "data"


def rows(*arguments: str | Path) -> Any:
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def final_of(night: Path) -> Path:
    """Return the file of the one session's final episodes; beside it is what was said live."""
    [mark] = [path for path in (night / "final").glob("*.jsonl") if not path.name.endswith(".live.jsonl")]
    return mark


def test_the_session_is_listed(night: Path) -> None:
    [row] = rows("sessions", "--json", "--data", night)
    assert row["state"] == "ended"
    assert row["sensors"] == ["CW-SIMA"]
    assert row["problem"] == ""
    assert row["duration_s"] > 10
    table = command("sessions", "--data", night)
    assert row["id"] in table.stdout


def test_the_final_analysis_was_run_and_running_it_again_changes_nothing(night: Path) -> None:
    done = command("finalise", "--data", night)
    assert done.stdout == "All sessions are already analysed.\n"
    mark = final_of(night)
    before = mark.read_text()
    again = rows("finalise", "last", "--json", "--data", night)
    assert again["retracted"] == 0
    assert mark.read_text() == before


def test_the_final_episodes_are_those_that_detect_finds(night: Path) -> None:
    [session] = (night / "sessions").glob("*.cws")
    mark = final_of(night)
    done = command("detect", session, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    finals = [json.loads(line) for line in mark.read_text().splitlines()]
    assert [one["kind"] for one in found] == [one["kind"] for one in finals]
    first = finals[0]["onset_index"] - round(found[0]["onset_s"] * 1000)
    assert [round(one["onset_s"] * 1000) + first for one in found] == [one["onset_index"] for one in finals]
    assert set(found[0]) == {
        "onset_s",
        "offset_s",
        "onset_utc",
        "kind",
        "channels",
        "detected_at_s",
        "confidence",
        "peak_uv",
        "reasons",
    }
    assert "This is simulated data." in done.stderr


@pytest.mark.parametrize("ending", ["edf", "bdf", "npz", "csv"])
def test_it_can_be_exported_with_its_episodes(night: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"night.{ending}"
    done = command("export", "last", "--out", out, "--data", night)
    assert done.returncode == 0, done.stderr
    assert " as annotations" in done.stderr
    exported = read(out)
    [row] = rows("sessions", "--json", "--data", night)
    assert exported.stream.channels == 2
    assert exported.stream.rate_hz == 1000
    samples = sum(len(chunk) for chunk in exported.chunks(65_536))
    assert abs(samples / 1000 - row["duration_s"]) < 8
    assert exported.temperature is not None or ending == "csv"


def test_scan_hears_a_sensor(tmp_path: Path) -> None:
    with simulated_sensor(tmp_path) as adapter:
        [found] = rows("scan", "--seconds", "5", "--adapter", adapter, "--json", "--data", tmp_path)
    assert found["name"] == "CW-SIMA"
    assert re.fullmatch("([0-9A-F]{2}:){5}[0-9A-F]{2}", found["address"])


def test_doctor_reports_what_is_ok_and_what_is_not(tmp_path: Path) -> None:
    done = command("doctor", "--json", "--data", tmp_path)
    findings = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == (3 if any(one["level"] == "fault" for one in findings.values()) else 0)
    for name in ("program", "packages", "data", "broker", "clock"):
        assert findings[name]["level"] == "ok", findings[name]
    assert findings["bluetooth"]["level"] in ("ok", "note")
