"""The file the live detector keeps its place in."""

from contextlib import closing
from pathlib import Path

import pytest
from crampwatch.detector.live_checkpoint import CheckpointFile, StreamKey
from crampwatch.protocol.errors import UnavailableError

LEFT = StreamKey("CW-0001", 7, 0)


def test_states_and_introductions_survive_reopening(tmp_path: Path) -> None:
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"first"})
        kept.save({LEFT: b"second", StreamKey("CW-0002", 8, 0): b"other"})
        kept.save_introduction("CW-0001", b"hello")
    with closing(CheckpointFile(tmp_path)) as kept:
        assert kept.load(LEFT) == b"second"
        assert kept.introductions() == [b"hello"]


def test_a_newer_boot_replaces_the_older_one(tmp_path: Path) -> None:
    newer = LEFT._replace(boot_id=9)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"old"})
        kept.save({newer: b"new"})
        assert (kept.load(LEFT), kept.load(newer)) == (None, b"new")


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "detector.sqlite").write_bytes(b"no database at all" * 100)
    with closing(CheckpointFile(tmp_path)) as kept:
        kept.save({LEFT: b"state"})
        assert kept.load(LEFT) == b"state"
    assert (tmp_path / "detector.damaged").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="cannot be kept in"):
        CheckpointFile(tmp_path / "file" / "detector")
