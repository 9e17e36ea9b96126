"""docker-compose.yml as Docker would read it, and its services started on this machine instead of in containers."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crampwatch.bus.endpoint import free_port
from lanes.command_line import environment

ROOT = Path(__file__).resolve().parents[2]
OUR_IMAGE = "crampwatch:"
PATIENCE_S = 90.0


def resolved(*profiles: str) -> dict[str, Any]:
    """Return the file as compose resolves it."""
    program = Path(sys.executable).parent / "docker-compose"
    chosen = [part for profile in profiles for part in ("--profile", profile)]
    done = subprocess.run(
        [
            program,
            "--project-directory",
            ROOT,
            *chosen,
            "-f",
            ROOT / "docker-compose.yml",
            "config",
            "--format",
            "json",
        ],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def image_environment() -> dict[str, str]:
    """Return the settings that our image brings along."""
    return dict(re.findall(r"(CRAMPWATCH_\w+)=(\S+)", (ROOT / "Dockerfile").read_text()))


@dataclass
class Machine:
    """What containers would share: volumes, secrets, a network.

    Args:
        folder: For volumes.
        secrets: Folder of a stack's secrets.
        program: How `crampwatch` is called, and `python`.
        influx_url: The database.
    """

    folder: Path
    secrets: Path
    influx_url: str
    python: str = sys.executable
    ports: dict[str, int] = field(default_factory=dict)

    def port(self, name: str) -> int:
        """Return the port on this machine of what a name stands for."""
        return self.ports.setdefault(name, free_port())

    def mapped(self, service: str, text: str, definition: Mapping[str, Any]) -> str:
        """Return a word of a command line or environment as it is on this machine."""
        for secret in definition.get("secrets", ()):
            text = text.replace(secret["target"], str(self.secrets / secret["source"]))
        for volume in definition.get("volumes", ()):
            if volume["type"] == "volume" and text == volume["target"]:
                text = str(self.folder / volume["source"])
            elif volume["type"] == "bind" and text.startswith(f"{volume['target']}/"):
                place = self.folder / Path(volume["source"]).relative_to(ROOT)
                text = str(place / text.removeprefix(f"{volume['target']}/"))
        text = text.replace("http://influxdb:8086", self.influx_url)
        text = re.sub(r"\b(broker|simulator):(\d+)", lambda m: f"localhost:{self.port(f'{m[1]}:{m[2]}')}", text)
        text = re.sub(r"\b0\.0\.0\.0:(\d+)", lambda m: f"127.0.0.1:{self.port(f'{service}:{m[1]}')}", text)
        if text in ("8883", "8042", "9464"):
            text = str(self.port(f"{service}:{text}"))
        return "127.0.0.1" if text == "0.0.0.0" else text


@dataclass
class Contained:
    """A service of ours, as its container would run it."""

    name: str
    definition: Mapping[str, Any]
    machine: Machine
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def needs(self) -> set[str]:
        """Names of the services it waits for."""
        return set(self.definition.get("depends_on", {}))

    @property
    def environment(self) -> dict[str, str]:
        given = {**image_environment(), **self.definition["environment"]}
        return environment(**{key: self._mapped(str(value or "")) for key, value in given.items()})

    @property
    def log(self) -> Path:
        return self.machine.folder / f"{self.name}.log"

    def start(self) -> None:
        """Run its command line."""
        words = [self._mapped(word) for word in self.definition["command"]]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.machine.python, "-P", "-m", "crampwatch.app", *words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_healthy(self) -> None:
        """Ask as Docker would, until the answer is yes."""
        assert self.process is not None
        test = self.definition["healthcheck"]["test"]
        assert test[:2] == ["CMD", "python"]
        deadline_s = time.monotonic() + PATIENCE_S
        ask = [self.machine.python, *test[2:]]
        while subprocess.run(ask, env=self.environment, capture_output=True, check=False).returncode:
            time.sleep(0.3)  # as Docker does, if less patiently
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline_s, self.log.read_text()

    def stop(self) -> int:
        """End it as Docker would; return its exit code, -9 where it had to be killed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(float(self.definition["stop_grace_period"].rstrip("s")))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -9

    def _mapped(self, text: str) -> str:
        return self.machine.mapped(self.name, text, self.definition)


def in_order(services: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Yield names of services, each after those it waits for."""
    done: list[str] = []
    while len(done) < len(services):
        for name, definition in services.items():
            wanted = [one for one in definition.get("depends_on", {}) if one in services]
            if name not in done and all(one in done for one in wanted):
                done.append(name)
                yield name
