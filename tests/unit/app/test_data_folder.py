"""The data folder: its lock, clearing it, its name at the broker, and finding sessions in it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crampwatch.app.config.data_folder import DataFolder, FolderLock
from crampwatch.app.sessions.find import find_session, is_session
from crampwatch.protocol.errors import ConfigurationError, UnavailableError


def test_only_one_program_can_use_a_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    with FolderLock(folder), pytest.raises(UnavailableError, match="Another crampwatch is using"):
        FolderLock(folder)
    with FolderLock(folder):
        assert (folder.root / ".lock").exists()


def test_clearing_leaves_files_that_are_not_ours(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.create()
    folder.sessions.mkdir()
    (folder.sessions / "night.cws").touch()
    folder.store.touch()
    (tmp_path / "diary.txt").touch()
    folder.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diary.txt"]


def test_the_error_names_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="file/data is not writable"):
        DataFolder(tmp_path / "file" / "data").create()


def test_the_client_id_of_a_stage_is_stable_and_unique_to_its_folder(tmp_path: Path) -> None:
    one, other = DataFolder(tmp_path / "one"), DataFolder(tmp_path / "other")
    for folder in (one, other):
        folder.create()
    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(lambda _: DataFolder(one.root).client_id("collector"), range(32)))
    assert name != other.client_id("collector")
    assert name.startswith("cw-collector-")
    assert len(name) <= 23
    assert sorted(path.name for path in one.root.iterdir()) == ["installation", "logs"]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    for part, name in (("", "20261120T220000Z-aaaa1111.cws"), ("demo", "20261121T220000Z-bbbb2222.cws")):
        sessions = folder.part(part).sessions
        sessions.mkdir(parents=True)
        (sessions / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "found"),
    [("20261120", "aaaa1111"), ("bbbb", "bbbb2222"), ("last", "bbbb2222"), ("20261121T220000Z-bbbb2222", "bbbb2222")],
)
def test_a_session_is_found_by_a_prefix_of_its_name(folder: DataFolder, name: str, found: str) -> None:
    assert find_session(folder, name).stem.endswith(found)


@pytest.mark.parametrize(("name", "problem"), [("2026", "2 sessions match"), ("2025", "No session or file")])
def test_a_prefix_of_no_or_several_sessions_is_refused(folder: DataFolder, name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        find_session(folder, name)


def test_sessions_are_recognised_by_content_or_suffix(tmp_path: Path) -> None:
    ours, other = tmp_path / "renamed.bin", tmp_path / "other.sqlite"
    ours.write_bytes(b"SQLite format 3\0" + bytes(52) + b"CWS1" + bytes(28))
    other.write_bytes(b"SQLite format 3\0" + bytes(84))
    assert is_session(ours)
    assert not is_session(other)
    assert not is_session(tmp_path / "absent.cws")
