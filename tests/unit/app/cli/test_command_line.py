"""The one entry point: help, sections, exit codes, quiet endings."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from crampwatch.app.cli import main as entry
from crampwatch.app.cli.exits import ExitCode
from crampwatch.protocol.errors import (
    ConfigurationError,
    CrampwatchError,
    FrameError,
    RecordingError,
    UnavailableError,
)
from lanes.command_line import PROGRAM, environment


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Let `crampwatch config` raise what the test says."""
    errors: list[BaseException] = []

    def raise_it() -> None:
        raise errors[0]

    command = click.Command("config", callback=raise_it)
    monkeypatch.setattr("crampwatch.app.commands.machine.config.config", command)
    return iter([errors])


def raised(failing: Iterator[list[BaseException]], error: BaseException, *arguments: str) -> int:
    next(failing).append(error)
    return entry.main(["config", *arguments])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CrampwatchError("No."), ExitCode.FAILURE),
        (FrameError("No."), ExitCode.FAILURE),
        (ConfigurationError("No."), ExitCode.USAGE),
        (UnavailableError("No."), ExitCode.UNAVAILABLE),
        (RecordingError("No."), ExitCode.BAD_RECORDING),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    ],
)
def test_errors_have_exit_codes(failing: Iterator[list[BaseException]], error: BaseException, code: int) -> None:
    assert raised(failing, error) == code


def test_an_error_is_one_paragraph_whatever_characters_a_file_contains(
    failing: Iterator[list[BaseException]], capsys: pytest.CaptureFixture[str]
) -> None:
    raised(failing, RecordingError("night\n\x1b[31m.edf is\r\nempty.", advice="Copy it again."))
    assert capsys.readouterr().err == "crampwatch: night [31m.edf is empty. Copy it again.\n"


def test_the_traceback_of_an_unexpected_error_is_saved_for_a_report(
    failing: Iterator[list[BaseException]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("crampwatch.app.cli.main.gettempdir", lambda: str(tmp_path))
    assert raised(failing, ZeroDivisionError("by nought")) == ExitCode.FAILURE
    err = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert str(kept) in err
    assert "Traceback" not in err
    assert "ZeroDivisionError: by nought" in kept.read_text()


@pytest.mark.parametrize("section", entry.COMMANDS)
def test_every_command_explains_itself_with_examples(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in entry.COMMANDS[section]:
        assert entry.main([name, "--help"]) == 0
        output = capsys.readouterr().out
        assert f"crampwatch {name}" in output
        assert "--data" in output or name == "init-stack"  # which works in the folder of docker-compose.yml
        assert "Example" in output or section.startswith("Single")


@pytest.mark.parametrize("name", [name for names in entry.COMMANDS.values() for name in names])
def test_examples_in_help_are_on_lines_of_their_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "\\b" not in text
    if "Examples:" in text:
        following = text.partition("Examples:\n")[2].splitlines()
        assert f"crampwatch {name}" in following[0]


def test_help_lists_every_command_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    output = capsys.readouterr().out
    assert all(f"\n  {name} " in output for names in entry.COMMANDS.values() for name in names)
    assert "Not a medical device" in output


def test_without_a_command_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert "Usage: crampwatch" in captured.out + captured.err


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from crampwatch.app.cli.main import main; main(['--help']); "
        "print(*{'numpy', 'scipy', 'rich', 'bleak', 'asyncio', 'paho'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stderr.strip() == ""


def test_a_closed_output_pipe_is_not_an_error() -> None:
    shell = f"{' '.join(PROGRAM)} config --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=environment(), check=False)
    assert done.stderr == ""
    assert done.returncode in (0, ExitCode.BROKEN_PIPE)
