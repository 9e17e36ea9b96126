"""docs/operations.md agrees with the code."""

from pathlib import Path

from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.main import COMMANDS
from crampwatch.app.cli.manual import settings_table

MANUAL = (Path(__file__).resolve().parents[4] / "docs" / "operations.md").read_text("utf-8")


def test_the_table_of_settings_is_the_one_the_code_uses() -> None:
    _, _, rest = MANUAL.partition("<!-- settings -->\n")
    assert rest.partition("<!-- end of settings -->")[0] == settings_table()


def test_every_exit_code_and_command_is_documented() -> None:
    assert all(f"| {code.value} |" in MANUAL for code in ExitCode)
    assert all(f"`{name}" in MANUAL for names in COMMANDS.values() for name in names)
