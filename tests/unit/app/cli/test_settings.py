"""Settings: one table, four sources, and the source of each value."""

from pathlib import Path

import pytest
from crampwatch.app.config.resolve import Resolved, display_value, environment_of, resolve
from crampwatch.app.config.settings import SETTINGS, setting_of
from crampwatch.protocol.errors import ConfigurationError


def resolved(tmp_path: Path, toml: str = "", **environ: str) -> Resolved:
    path = tmp_path / "config.toml"
    path.write_text(toml)
    return resolve(config=path, environ=environ)


def test_the_source_of_an_untouched_setting_is_default(tmp_path: Path) -> None:
    found = resolved(tmp_path)
    assert found.settings.web.host == "127.0.0.1"
    assert set(found.sources.values()) == {"default"}
    assert found.sources.keys() == {setting.key for setting in SETTINGS}


def test_flags_override_environment_file_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[web]\nport = 1\nhost = "::1"\n[log]\nlevel = "error"\n')
    environ = {"CRAMPWATCH_WEB_PORT": "2", "CRAMPWATCH_WEB_HOST": "localhost"}
    found = resolve(flags={"web.port": 3}, environ=environ, config=path)
    assert (found.settings.web.port, found.sources["web.port"]) == (3, "flag --port")
    assert (found.settings.web.host, found.sources["web.host"]) == ("localhost", "environment CRAMPWATCH_WEB_HOST")
    assert (found.settings.log.level, found.sources["log.level"]) == ("error", f"file {path}")
    assert found.sources["log.format"] == "default"


def test_the_environment_of_a_stage_resolves_to_the_same_settings(tmp_path: Path) -> None:
    toml = (
        f'data = "{tmp_path}"\n[collector]\nsensors = ["CW-1", "CW-2"]\nadapter = "bumble:usb:0"\n'
        '[web]\nbrowser = false\ntoken = "a secret, with a comma"\n[broker]\nurl = "mqtt://me:pass@home:1"\n'
    )
    once = resolved(tmp_path, toml).settings
    assert once.collector.sensors == ("CW-1", "CW-2")
    (tmp_path / "empty.toml").write_text("")
    assert resolve(environ=environment_of(once), config=tmp_path / "empty.toml").settings == once


@pytest.mark.parametrize(
    ("toml", "near"),
    [("[web]\nprot = 1\n", "web.port"), ("dta = '/tmp'\n", "data"), ("[wbe]\nport = 1\n", "web.port")],
)
def test_an_unknown_key_in_the_file_names_the_nearest(tmp_path: Path, toml: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Did you mean {near}"):
        resolved(tmp_path, toml)


def test_an_unknown_variable_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean CRAMPWATCH_STORE_URL"):
        resolved(tmp_path, CRAMPWATCH_STOR_URL="x")


def test_variables_of_tests_and_supervision_are_not_settings(tmp_path: Path) -> None:
    found = resolved(tmp_path, CRAMPWATCH_REQUIRE_LANES="1", CRAMPWATCH_SUPERVISED="1", CRAMPWATCH_TEST_X="1")
    assert set(found.sources.values()) == {"default"}


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[web]\nport = 'eight'\n", "expected a whole number"),
        ("[web]\nport = true\n", "expected a whole number"),
        ("[web]\nport = 70000\n", "0 to 65535"),
        ("[web]\nport = -1\n", "0 to 65535"),
        ("[web]\nbrowser = 1\n", "expected true or false"),
        ("[log]\nlevel = 'loud'\n", "debug, info, warning, error"),
        ("[collector]\nsensors = 'CW-1'\n", "expected a list of texts"),
        ("data = ''\n", "expected a folder"),
        ("[web\n", "is not valid TOML"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_expected(tmp_path: Path, toml: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        resolved(tmp_path, toml)


@pytest.mark.parametrize(("port", "is_permitted"), [(-1, False), (0, True), (65_535, True), (65_536, False)])
def test_numbers_are_limited_to_those_of_a_port_in_file_and_environment(
    tmp_path: Path, port: int, is_permitted: bool
) -> None:
    for toml, environ in ((f"[web]\nport = {port}\n", {}), ("", {"CRAMPWATCH_WEB_PORT": str(port)})):
        if is_permitted:
            assert resolved(tmp_path, toml, **environ).settings.web.port == port
        else:
            with pytest.raises(ConfigurationError, match="expected a whole number from 0 to 65535"):
                resolved(tmp_path, toml, **environ)


@pytest.mark.parametrize("text", ["1", "true", "Yes", "ON"])
def test_true_in_the_environment_has_several_spellings(tmp_path: Path, text: str) -> None:
    assert resolved(tmp_path, "[web]\nbrowser = false\n", CRAMPWATCH_WEB_BROWSER=text).settings.web.browser


def test_a_named_settings_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        resolve(config=tmp_path / "absent.toml", environ={})


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[web]\nport = 8123\n")
    assert resolve(environ={"CRAMPWATCH_CONFIG": str(path)}).settings.web.port == 8123


def test_secrets_are_never_shown() -> None:
    assert display_value(setting_of("web.token"), "hush") == "********"
    assert display_value(setting_of("web.token"), "") == ""
    assert display_value(setting_of("broker.url"), "mqtt://me:hush@home:1883") == "mqtt://me:********@home:1883"
    assert display_value(setting_of("broker.url"), "mqtt://home:1883") == "mqtt://home:1883"


def test_every_setting_has_a_description_and_unique_names() -> None:
    assert all(setting.text.endswith(".") for setting in SETTINGS)
    assert len({setting.flag for setting in SETTINGS}) == len(SETTINGS)
    assert len({setting.env for setting in SETTINGS}) == len(SETTINGS)
