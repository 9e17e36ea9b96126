"""docs/python.md runs from top to bottom and prints what it shows."""

import re
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from crampwatch.protocol.kinds import Origin
from nights.synthetic_night import SyntheticNight

PAGE = Path(__file__).parents[3] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
BEGIN_NS = int(datetime(2026, 11, 20, 22, 0, tzinfo=UTC).timestamp()) * 10**9


def test_the_page_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert len(blocks) > 8
    night = SyntheticNight(BEGIN_NS, 40.0, gaps=[(10.0, 12.5)], origin=Origin.DEMO)
    night.write_recording(tmp_path).rename(tmp_path / "night.cws")  # the page cannot record one on the spot
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for code, shown in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(code, str(PAGE), "exec"), names)
        assert printed.getvalue() == shown, code


def test_every_example_of_the_page_is_found() -> None:
    assert len(BLOCK.findall(PAGE.read_text("utf-8"))) == PAGE.read_text("utf-8").count("```python\n")
