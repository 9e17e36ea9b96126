"""The systemd units: valid, and what they start does start, each stage with its own login."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from crampwatch.app.cli.main import COMMANDS
from crampwatch.bus.endpoint import free_port
from lanes.command_line import PROGRAM, environment
from lanes.lanes import require_program
from lanes.patience import PATIENCE_S

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
ALL = sorted(UNITS.rglob("*.service"))
STAGES = ("broker", "detector", "store", "home")


def entries(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_a_unit_is_valid(unit: Path, tmp_path: Path) -> None:
    program = require_program("systemd-analyze", "systemd")
    installed = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.MULTILINE)
    (tmp_path / unit.name).write_text(installed)
    user = ["--user"] if unit.parent.name == "user" else []
    done = subprocess.run(
        [program, *user, "verify", "--man=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists_and_restarts_it(unit: Path) -> None:
    (line,) = entries(unit, "ExecStart")
    stage = shlex.split(line)[1]
    assert stage in {"%i", *(name for names in COMMANDS.values() for name in names)}
    assert entries(unit, "Restart")[0] in ("always", "on-failure")


@pytest.mark.parametrize("unit", [one for one in ALL if one.parent.name == "system"], ids=lambda unit: unit.name)
def test_a_system_unit_is_no_root_and_holds_no_password(unit: Path) -> None:
    assert entries(unit, "DynamicUser") == ["true"] or entries(unit, "User") == ["crampwatch"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp"):
        assert entries(unit, key) == ["true"]
    assert "PASSWORD=" not in unit.read_text()
    assert "TOKEN=" not in unit.read_text()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(json.loads(answer.read())["status"] == "ok")
    except OSError:  # also while it is busy
        return False


def test_stages_of_the_template_find_their_broker_and_log_in(tmp_path: Path) -> None:
    unit = UNITS / "system" / "crampwatch@.service"
    given = dict(word.split("=", 1) for line in entries(unit, "Environment") for word in shlex.split(line))
    words = shlex.split(entries(unit, "ExecStart")[0])[1:]
    ports = {stage: free_port() for stage in STAGES}
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for stage in STAGES:
            settings = given | {"CRAMPWATCH_DATA": str(tmp_path), "CRAMPWATCH_OPS_PORT": str(ports[stage])}
            command = [*PROGRAM, *(word.replace("%i", stage) for word in words)]
            log = (tmp_path / f"{stage}.err").open("wb")
            started[stage] = subprocess.Popen(
                command, env=environment(**settings), stderr=log, stdin=subprocess.DEVNULL
            )
            log.close()
            if stage == "broker":
                _wait_healthy(ports, ("broker",))
        _wait_healthy(ports, STAGES)
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        assert [process.wait(PATIENCE_S) for process in started.values()] == [0] * len(STAGES)
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def _wait_healthy(ports: dict[str, int], stages: tuple[str, ...]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not all(_healthy(ports[stage]) for stage in stages):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)  # other processes: nobody tells us
