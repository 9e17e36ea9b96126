import socket
import stat
from pathlib import Path

import pytest
from crampwatch.bus.endpoint import HOST, Endpoint, free_port, is_port_free
from crampwatch.protocol.errors import ConfigurationError


def test_saved_and_loaded_again_readable_by_the_owner_only(tmp_path: Path) -> None:
    endpoint = Endpoint.new()
    endpoint.save(tmp_path / "secrets.toml")
    assert Endpoint.load(tmp_path / "secrets.toml") == endpoint
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.toml"]


def test_each_has_its_own_long_password_that_is_not_shown() -> None:
    one, other = Endpoint.new(), Endpoint.new()
    assert one.password != other.password
    assert len(one.password) >= 32
    assert one.password not in repr(one)


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert Endpoint.load(tmp_path / "absent.toml") is None


@pytest.mark.parametrize("content", ["", "mqtt_port = ", 'mqtt_port = "x"\ncontrol_port = 2\npassword = "p"', "\xff"])
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.toml").write_text(content, "latin-1")
    with pytest.raises(ConfigurationError, match="Remove the file"):
        Endpoint.load(tmp_path / "secrets.toml")


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert not is_port_free(server.getsockname()[1])


def test_a_port_that_is_chosen_is_free_and_never_lent_to_an_outgoing_connection() -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 15
    assert all(port < 32_768 and is_port_free(port) for port in ports)
