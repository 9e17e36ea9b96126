"""What cannot be: a message that says what was met and what to do, an exit code, never a traceback."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crampwatch.app.cli.main import main

Make = Callable[[Path], object]


def text(content: str) -> Make:
    return lambda path: path.write_text(content)


def file_of(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def absent(_path: Path) -> None:
    """Make nothing."""


def folder(path: Path) -> None:
    path.mkdir()


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE recipe (name TEXT)")
    database.close()


def truncated_session(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + bytes(52) + b"CWS1" + bytes(28))


EDF_CLAIMS_MUCH = (
    b"0       " + b" " * 160 + b"01.01.2601.01.01" + b"99999999" + b" " * 44 + b"99999999" + b"1       " + b"9999"
)

RECORDINGS: dict[str, tuple[str, Make]] = {
    "absent": ("night.edf", absent),
    "empty": ("night.edf", file_of(b"")),
    "a folder": ("night.edf", folder),
    "noise": ("night.edf", file_of(bytes(range(256)) * 8)),
    "a picture": ("night.edf", file_of(b"\x89PNG\r\n\x1a\n" + bytes(100))),
    "an EDF header that claims much": ("night.edf", file_of(EDF_CLAIMS_MUCH)),
    "words": ("night.txt", text("Dear diary, tonight I slept badly.\nAnd then some more.\n")),
    "not an archive": ("night.npz", file_of(b"PK\x03\x04" + bytes(40))),
    "a WFDB header without signal": ("night.hea", text("night 2 1000 60000\nnight.dat 16 200 16 0 0 0 0 emg\n")),
    "another program's database": ("night.cws", other_database),
    "a session cut to its header": ("night.cws", truncated_session),
}


@pytest.fixture(autouse=True)
def _same_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("case", RECORDINGS)
def test_an_unreadable_recording_gives_one_message(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make = RECORDINGS[case]
    make(tmp_path / name)
    assert main(["detect", str(tmp_path / name), "--json", "--data", str(tmp_path)]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert len([line for line in err.splitlines() if line.startswith("crampwatch: ")]) == 1, err
    assert err.rstrip().endswith((".", "`")), err
    assert "\x1b" not in err


USAGE: dict[str, tuple[str, ...]] = {
    "an unknown command": ("watch",),
    "an unknown flag": ("detect", "x.edf", "--chanels", "1"),
    "no file": ("detect",),
    "an unknown scenario": ("simulate", "--scenario", "nightmare", "--hours", "1", "--out", "x.edf"),
    "no length": ("simulate", "--scenario", "quiet", "--out", "x.edf"),
    "an unknown format": ("simulate", "--scenario", "quiet", "--hours", "0.01", "--out", "x.docx"),
    "no purpose": ("simulate",),
    "an absurd length": ("simulate", "--scenario", "quiet", "--hours", "1e9", "--out", "x.edf"),
    "a port that is none": ("web", "--port", "70000"),
    "a session that is none": ("export", "yesterday", "--out", "x.edf"),
    "a broker that is none": ("detector", "--broker", "http://somewhere"),
    "no broker known": ("store",),
    "a column that is none": ("detect", "x.txt", "--column", "one"),
    "an impossible placement": ("wear", "--placement", "middle"),
}


@pytest.mark.parametrize("port", ["-1", "65536", "80x", "", "8.5"])
def test_a_wrong_port_is_refused_with_its_limits(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--port", port, "--data", str(tmp_path)]) == 2
    assert "must be a whole number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65535"])
def test_ports_at_the_limits_are_accepted(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--port", port, "--data", str(tmp_path)]) == 0
    assert "flag --port" in capsys.readouterr().out


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_gives_a_message_with_advice(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(tmp_path / part) if part.startswith("x.") else part for part in USAGE[case]]
    data = [] if case == "an unknown command" else ["--data", str(tmp_path / "data")]
    assert main([*arguments, *data]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.rstrip().endswith((".", "`", "?", ")")), err


def test_a_misspelt_variable_is_named_with_the_closest_known_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRAMPWATCH_WEB_PRT", "1")
    assert main(["sessions", "--data", str(tmp_path)]) == 2
    assert "CRAMPWATCH_WEB_PORT" in capsys.readouterr().err
