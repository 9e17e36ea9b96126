"""The secrets of the stack's databases are renewed there and here; against a stand-in for their administration."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from crampwatch.app.cli.main import main
from crampwatch.app.stack.database_logins import LOGINS
from crampwatch.app.stack.secrets import _DATABASE_LOGINS, Stack, StackOptions
from lanes.influx_admin import BUCKET, EVERYTHING, Databases, running_databases


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    """Databases set up with the secrets of a stack in the test's folder."""
    Stack(tmp_path).create(StackOptions())
    kept = secrets(tmp_path)
    databases = Databases(password=kept["influxdb-admin-password"], grafana_password=kept["grafana-admin-password"])
    databases.add({"permissions": EVERYTHING, "description": "admin's Token"}, kept["influxdb-admin-token"])
    with running_databases(databases):
        yield databases


def secrets(folder: Path) -> dict[str, str]:
    paths = [path for path in (folder / "secrets").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder / "secrets")): path.read_text() for path in paths}


def rotate(folder: Path, databases: Databases) -> int:
    addresses = ("--influxdb", databases.url, "--grafana", databases.url)
    return main(["init-stack", "--folder", str(folder), "--rotate", "--databases", *addresses])


def agree(folder: Path, databases: Databases) -> None:
    """See that what is kept is what is in force, and that nothing else is."""
    kept = secrets(folder)
    tokens = [kept[f"influxdb/{name}/token"] for name in LOGINS]
    assert {one["token"] for one in databases.tokens.values()} == {*tokens, kept["influxdb-admin-token"]}
    assert databases.password == kept["influxdb-admin-password"]
    assert databases.grafana_password == kept["grafana-admin-password"]


def test_each_login_can_use_the_bucket_and_nothing_else(databases: Databases, tmp_path: Path) -> None:
    assert rotate(tmp_path, databases) == 0
    agree(tmp_path, databases)
    kept = secrets(tmp_path)
    for name, actions in LOGINS.items():
        assert databases.rights(kept[f"influxdb/{name}/token"]) == [(one, "buckets", BUCKET["id"]) for one in actions]
        assert stat.S_IMODE((tmp_path / "secrets" / "influxdb" / name / "token").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "secrets" / "influxdb" / name).stat().st_mode) == 0o700
    assert LOGINS["store"] == ("read", "write")
    assert {actions for name, actions in LOGINS.items() if name != "store"} == {("read",)}
    assert tuple(LOGINS) == _DATABASE_LOGINS


def test_everything_is_renewed_and_the_old_revoked(databases: Databases, tmp_path: Path) -> None:
    assert rotate(tmp_path, databases) == 0
    before = secrets(tmp_path)
    assert rotate(tmp_path, databases) == 0
    agree(tmp_path, databases)
    after = secrets(tmp_path)
    same = {name for name in before if before[name] == after[name]}
    assert same == {"ca.crt", "broker.crt", "broker.key", "mosquitto-access"}
    assert len(databases.mapped) == 1
    assert databases.mapped[0]["database"] == "crampwatch"


@pytest.mark.parametrize("where", ["authorizations", "users", "password", "dbrps"])
def test_a_failure_in_between_is_fixed_by_running_it_again(databases: Databases, tmp_path: Path, where: str) -> None:
    databases.refuses = where
    assert rotate(tmp_path, databases) == 3
    databases.refuses = "nothing"
    assert rotate(tmp_path, databases) == 0
    agree(tmp_path, databases)


def test_databases_that_are_down_or_refuse_the_login_are_errors(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secrets" / "influxdb-admin-token").write_text("another")
    assert rotate(tmp_path, databases) == 3
    assert "influxdb-admin-token" in capsys.readouterr().err
    databases.url = "http://127.0.0.1:9"
    assert rotate(tmp_path, databases) == 3
    assert "Start the services first" in capsys.readouterr().err


def test_databases_are_renewed_only_with_both_flags(tmp_path: Path) -> None:
    assert main(["init-stack", "--folder", str(tmp_path), "--databases"]) == 2
