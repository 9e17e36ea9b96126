"""The archive format of backups: what is saved, and the limits that a reader applies."""

import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from crampwatch.app.backup import archive as archive_module
from crampwatch.app.backup.archive import read_content, unpack_files
from crampwatch.app.backup.create import create_backup
from crampwatch.app.backup.restore import restore_backup
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.protocol.errors import ConfigurationError, RecordingError, UnavailableError


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def saved(folder: DataFolder, tmp_path: Path) -> set[str]:
    return set(create_backup(folder, tmp_path / "b.tar.gz").files)


def test_everything_is_saved_but_what_can_be_made_again(folder: DataFolder, tmp_path: Path) -> None:
    wanted = {"home.json", "page/alarms.json", "final/x.jsonl", "broker/secrets.toml", "deleted/old.txt"}
    unwanted = {
        "logs/a.log", "cache/n.bin", "backups/b.tar.gz", "demo/sessions/s.txt", "replay/x", "installation", ".lock",
        "broker/nats.log", "broker/nats.pid", "broker/nats.conf", "broker/jetstream/x",
        ".crampwatch-restore-1/x", "store.sqlite-wal", "store.sqlite-shm", "s.cws-journal",
    }  # fmt: skip
    for name in wanted | unwanted:
        path = folder.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert saved(folder, tmp_path) == wanted


def test_an_archive_is_private_and_never_overwritten(folder: DataFolder, tmp_path: Path) -> None:
    (folder.root / "home.json").write_text("{}")
    create_backup(folder, tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="exists already"):
        create_backup(folder, tmp_path / "b.tar.gz")


def test_the_manifest_is_the_first_member(folder: DataFolder, tmp_path: Path) -> None:
    (folder.root / "a").write_text("x")
    create_backup(folder, tmp_path / "b.tar.gz")
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", "a"]


def test_progress_counts_copying_and_packing_and_ends_at_the_total(folder: DataFolder, tmp_path: Path) -> None:
    (folder.root / "a").write_bytes(bytes(3_000_000))
    steps: list[tuple[int, int | None]] = []
    create_backup(folder, tmp_path / "b.tar.gz", progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (3_000_000, 6_000_000)
    assert steps[-1] == (6_000_000, 6_000_000)


def test_a_locked_database_is_an_error_and_a_damaged_one_is_not(folder: DataFolder, tmp_path: Path) -> None:
    (folder.root / "a.sqlite").write_bytes(b"no database at all" * 100)
    assert saved(folder, tmp_path) == {"a.sqlite"}
    with sqlite3.connect(folder.root / "b.sqlite") as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    (folder.root / "b.sqlite").chmod(0)
    if os.access(folder.root / "b.sqlite", os.R_OK):
        return  # as root nothing is unreadable
    with pytest.raises(UnavailableError):
        create_backup(folder, tmp_path / "c.tar.gz")


def packed(path: Path, files: dict[str, str], members: dict[str, bytes] | None = None) -> Path:
    manifest = json.dumps({"made_utc": "", "version": "", "files": files, "points": 0}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"manifest.json": manifest, **(members or {})}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_a_manifest_may_be_exactly_as_large_as_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "b.tar.gz", {"a": "0"})
    with tarfile.open(path) as archive:
        size = archive.getmember("manifest.json").size
    monkeypatch.setattr(archive_module, "_LARGEST_MANIFEST_BYTES", size)
    assert read_content(path).files == {"a": "0"}
    monkeypatch.setattr(archive_module, "_LARGEST_MANIFEST_BYTES", size - 1)
    with pytest.raises(RecordingError, match="expected at most"):
        read_content(path)


def test_the_limits_of_an_archive() -> None:
    assert archive_module._LARGEST_MANIFEST_BYTES == 32_000_000
    assert archive_module._RESERVE_BYTES == 64_000_000


@pytest.mark.parametrize(("free", "has_room"), [(64_000_010, True), (64_000_009, False)])
def test_room_is_left_for_what_is_being_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, has_room: bool
) -> None:
    digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"  # of ten digits
    path = packed(tmp_path / "b.tar.gz", {"a": digest}, {"a": b"0123456789"})
    (tmp_path / "place").mkdir()
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(1 << 40, 0, free))
    if has_room:
        assert [name for name, _ in unpack_files(path, tmp_path / "place")] == ["a"]
    else:
        with pytest.raises(UnavailableError, match="no room"):
            list(unpack_files(path, tmp_path / "place"))


@pytest.mark.parametrize(
    "name", ["", "/a", "../a", "a/../b", "a//b", "./a", "a/", "C:a", "a\\b", "a\x00b", "a\x1fb", "a\nb"]
)
def test_a_name_that_is_not_a_path_within_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="cannot be read as a backup"):
        read_content(packed(tmp_path / "b.tar.gz", {name: "0"}))


@pytest.mark.parametrize("make", [lambda root: root / "sessions" / "x", lambda root: root / "store.sqlite"])
def test_nothing_is_restored_over_recordings(folder: DataFolder, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(folder.root)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(ConfigurationError, match="already holds recordings"):
        restore_backup(packed(tmp_path / "b.tar.gz", {}), folder)
