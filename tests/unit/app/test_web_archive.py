"""What the page is given for recorded nights."""

from dataclasses import replace
from pathlib import Path

import pytest
from crampwatch.app.config.settings import Settings
from crampwatch.app.stages.web_archive import archive_options
from crampwatch.store.sqlite.store import SqliteStore


@pytest.mark.parametrize(("name", "offers_replay"), [("data", True), ("demo", False), ("replay", False)])
def test_a_page_of_simulated_or_replayed_nights_offers_no_replay(
    tmp_path: Path, name: str, offers_replay: bool
) -> None:
    settings = replace(Settings(), data=tmp_path / name)
    options = archive_options(settings, SqliteStore(tmp_path / "store.sqlite"))
    assert (options.replay is not None) == offers_replay
    assert [folder.parent for folder in options.folders] == [
        tmp_path / name, tmp_path / name / "demo", tmp_path / name / "replay",
    ]  # fmt: skip


def test_a_replay_is_open_to_this_machine_only_and_opens_no_browser(tmp_path: Path) -> None:
    options = archive_options(replace(Settings(), data=tmp_path), SqliteStore(tmp_path / "store.sqlite"))
    assert options.replay is not None
    command = options.replay(tmp_path / "night.cws", 10.0)
    assert command[command.index("--web-host") + 1] == "127.0.0.1"
    assert command[command.index("--speed") + 1] == "10"
    assert {"--json", "--no-browser"} <= set(command)
