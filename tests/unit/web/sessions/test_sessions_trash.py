"""Deleted recordings can be restored for 30 days, and nothing is overwritten."""

import os
import sqlite3
from pathlib import Path

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.sessions.trash import Trash

DAY_NS = 86_400_000_000_000
DELETED_NS = 1_795_000_000_000_000_000


class Clock:
    now_ns = DELETED_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trash(tmp_path: Path, clock: Clock) -> Trash:
    (tmp_path / "sessions").mkdir()
    for name in ("a.cws", "a.cws-wal", "b.cws"):
        (tmp_path / "sessions" / name).write_text(name)
    return Trash((tmp_path / "sessions",), clock_ns=clock)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_deleted_recording_moves_with_its_log_and_comes_back(trash: Trash, tmp_path: Path) -> None:
    trash.discard(tmp_path / "sessions" / "a.cws")
    assert names(tmp_path / "sessions") == ["b.cws"]
    assert names(tmp_path / "deleted") == ["a.cws", "a.cws-wal"]
    assert not trash.restore("b")
    assert trash.restore("a")
    assert names(tmp_path / "sessions") == ["a.cws", "a.cws-wal", "b.cws"]
    assert list(trash.files()) == []


def test_a_deleted_recording_is_removed_after_more_than_thirty_days(trash: Trash, tmp_path: Path, clock: Clock) -> None:
    trash.discard(tmp_path / "sessions" / "a.cws")
    deleted = tmp_path / "deleted" / "a.cws"
    os.utime(deleted, ns=(DELETED_NS, DELETED_NS))
    assert trash.purge_time_ns(deleted) == DELETED_NS + 30 * DAY_NS
    clock.now_ns = DELETED_NS + 30 * DAY_NS
    trash.purge()
    assert deleted.exists()
    clock.now_ns += 1_000_000
    trash.purge()
    assert names(tmp_path / "deleted") == []


def test_the_thirty_days_count_from_the_deletion(trash: Trash, tmp_path: Path) -> None:
    old = tmp_path / "sessions" / "a.cws"
    os.utime(old, ns=(1, 1))
    trash.discard(old)
    assert (tmp_path / "deleted" / "a.cws").stat().st_mtime_ns > DELETED_NS // 2


def test_a_recording_is_not_restored_over_another(trash: Trash, tmp_path: Path) -> None:
    trash.discard(tmp_path / "sessions" / "b.cws")
    (tmp_path / "sessions" / "b.cws").write_text("another")
    with pytest.raises(UnavailableError, match="another") as refused:
        trash.restore("b")
    assert refused.value.code == "name_taken"
    assert (tmp_path / "sessions" / "b.cws").read_text() == "another"


def test_a_recording_in_progress_is_not_deleted(trash: Trash, tmp_path: Path) -> None:
    path = tmp_path / "sessions" / "a.cws"
    collector = sqlite3.connect(path.with_name("a.cws-lock"), isolation_level=None)
    collector.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnavailableError) as refused:
        trash.discard(path)
    assert refused.value.code == "being_recorded"
    collector.execute("ROLLBACK")
    collector.close()
    trash.discard(path)
    assert not path.exists()
