"""The secrets of a stack: made once, renewed on demand, nobody else's to read, and none by default."""

import stat
from pathlib import Path

import pytest
from crampwatch.app.cli.main import main
from crampwatch.app.config.addresses import broker_address
from crampwatch.app.config.resolve import resolve
from crampwatch.app.stack.certificates import Certificates
from crampwatch.app.stack.secrets import Stack, StackOptions
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.roles import ROLES, User
from crampwatch.bus.user_file import format_user_file, load_users
from crampwatch.protocol.errors import ConfigurationError
from cryptography import x509


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir() if path.is_file()}


def test_every_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    made = Stack(tmp_path).create(StackOptions())
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_every_role_has_its_own_secret_and_no_two_stacks_share_one(tmp_path: Path) -> None:
    for name in ("one", "other"):
        Stack(tmp_path / name).create(StackOptions())
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    passwords = [text for name, text in (*one.items(), *other.items()) if "." not in name and "mosquitto" not in name]
    assert len(set(passwords)) == len(passwords) >= 2 * (len(ROLES) + 4)
    assert min(map(len, passwords)) >= 43  # 256 bits
    assert not any(one[f"broker-{role}"] in one["mosquitto-passwords"] for role in ROLES)


def test_running_it_again_changes_nothing_and_adds_what_is_requested(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.create(StackOptions())
    before = contents(tmp_path)
    assert stack.create(StackOptions()) == []
    assert contents(tmp_path) == before
    stack.create(StackOptions(bedside=(("pi", ("CW-1", "CW-2")),)))
    after = contents(tmp_path)
    assert {name: text for name, text in after.items() if text == before.get(name)}.keys() >= {
        "broker-store",
        "web-token",
        "broker.key",
    }
    users = {user.name: user for user in load_users(tmp_path / "secrets" / "broker-users.toml")}
    assert (users["pi"].role, users["pi"].sensors) == ("collector", ("CW-1", "CW-2"))


def test_rotation_renews_every_login_of_the_broker_and_preserves_rights(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.create(StackOptions(bedside=(("pi", ("CW-1",)),)))
    before, users = contents(tmp_path), load_users(tmp_path / "secrets" / "broker-users.toml")
    stack.rotate()
    after, renewed = contents(tmp_path), load_users(tmp_path / "secrets" / "broker-users.toml")
    changed = {name for name in after if after[name] != before[name]}
    assert changed >= {f"broker-{user.name}" for user in users} | {"web-token", "mosquitto-passwords"}
    assert [(user.name, user.role, user.sensors) for user in renewed] == [
        (user.name, user.role, user.sensors) for user in users
    ]
    assert all(after[f"broker-{user.name}"] == user.password for user in renewed)


def test_rotation_without_secrets_gives_advice(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="init-stack"):
        Stack(tmp_path).rotate()


def test_the_certificate_names_every_host_and_is_issued_by_the_authority() -> None:
    made = Certificates.for_names(("localhost", "192.168.1.5", "broker.lan"))
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    authority = x509.load_pem_x509_certificate(made.authority.encode())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "broker.lan"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.5"]
    assert "PRIVATE" not in made.certificate + made.authority


@pytest.mark.parametrize(
    "arguments",
    [["--bedside", "pi"], ["--bedside", "store=CW-1"], ["--rotate", "--name", "x"], ["--profile", "everything"]],
)
def test_contradictory_options_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    assert main(["init-stack", "--folder", str(tmp_path), *arguments]) == 2


def test_the_command_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init-stack", "--folder", str(tmp_path)]) == 0
    assert main(["init-stack", "--folder", str(tmp_path), "--rotate"]) == 0
    output = capsys.readouterr().out
    assert not any(text in output for name, text in contents(tmp_path).items() if "." not in name)


def test_users_are_read_as_they_were_written(tmp_path: Path) -> None:
    users = (User("a-b", "collector", "p" * 16, ("CW-1",)), User("c", "reader", 'q"\\' * 8))
    (tmp_path / "users").write_text(format_user_file(users))
    assert load_users(tmp_path / "users") == users


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[a]\nrole = 'king'\npassword = '0123456789abcdef'",
        "[a]\nrole = 'reader'\npassword = 'short'",
        "[a]\nrole = 'reader'",
        "[a]\nrole = 'reader'\npassword = '0123456789abcdef'\nsensors = 'CW-1'",
        "a = 1",
        "\xff[",
    ],
)
def test_an_invalid_file_of_users_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users"
    if text:
        path.write_text(text)
    with pytest.raises(ConfigurationError):
        load_users(path)


def test_a_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a secret\n")
    (tmp_path / "empty.toml").touch()
    variable = {"CRAMPWATCH_STORE_TOKEN_FILE": str(tmp_path / "token")}
    found = resolve(environ=variable, config=tmp_path / "empty.toml")
    assert found.settings.store.token == "a secret"
    assert "a secret" not in found.sources["store.token"]


@pytest.mark.parametrize("name", ["CRAMPWATCH_STORE_TOKEN_FILE", "CRAMPWATCH_STORE_URL_FILE"])
def test_an_unreadable_secret_and_a_setting_that_is_not_secret_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        resolve(environ={name: str(tmp_path / "absent")}, config=None)


def test_a_login_combines_address_role_and_secret(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()

    def address(url: str) -> BrokerAddress:
        environ = {
            "CRAMPWATCH_BROKER_URL": url,
            "CRAMPWATCH_BROKER_PASSWORD": "secret",
            "CRAMPWATCH_BROKER_CA": "ca.crt",
        }
        return broker_address(resolve(environ=environ, config=tmp_path / "empty.toml").settings, "store")

    assert address("mqtts://lan") == BrokerAddress("lan", 8883, "store", "secret", True, Path("ca.crt"))
    assert address("mqtts://pi@lan").user == "pi"
    assert address("mqtts://pi:own@lan").password == "own"
