"""Backups from the page, over HTTP: made, checked, fetched, sent, brought back beside the stages; bad ones refused."""

import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from crampwatch.app.backup import archive as backup_archive
from crampwatch.app.backup.archive import read_content
from crampwatch.app.backup.page_backups import PageBackups
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import JournalEntry
from crampwatch.store.sqlite.store import SqliteStore
from lanes.command_line import environment
from nights.served_archive import Served
from nights.synthetic_night import Contraction, SyntheticNight

DAY_NS = 86_400_000_000_000
BEGIN_NS = 1_790_000_000_000_000_000
NIGHTS = [SyntheticNight(BEGIN_NS + n * DAY_NS, 30, [Contraction(8, 9), Contraction(20, 1)]) for n in range(3)]


def fill(root: Path) -> Path:
    folder = DataFolder(root)
    folder.create()
    for night in NIGHTS:
        night.write_recording(folder.sessions)
        night.write_store(folder.store)
        folder.finals.mkdir(exist_ok=True)
        (folder.finals / f"{night.session}.jsonl").write_text("")
    with closing(SqliteStore(folder.store)) as store:
        store.write([JournalEntry(sensor="CW-LEFT", t_ns=1, origin=Origin.LIVE, id="n", entry="note", text="tea")])
    return root


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of three nights."""
    root = fill(tmp_path_factory.mktemp("first"))
    work = PageBackups(Settings(data=root))
    work.make(root / "backups" / "b.tar.gz", lambda _done, _total: None)
    return root / "backups" / "b.tar.gz"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Another machine, on which two of the nights are gone; one was deleted by hand."""
    root = fill(tmp_path / "second")
    with closing(SqliteStore(root / "store.sqlite")) as store:
        store.sensors()
    lose(root, NIGHTS[0])
    (root / "deleted").mkdir()
    path = recording(root, NIGHTS[1])
    path.rename(root / "deleted" / path.name)
    with Served(root) as served:
        yield served


def recording(root: Path, night: SyntheticNight) -> Path:
    (found,) = (root / "sessions").glob(f"*-{night.session[:8]}.cws")
    return found


def lose(root: Path, night: SyntheticNight) -> None:
    recording(root, night).unlink()
    (root / "final" / f"{night.session}.jsonl").unlink()
    with closing(sqlite3.connect(root / "store.sqlite")) as database, database:
        database.execute("DELETE FROM document WHERE session = ? OR measurement = 'journal'", (night.session,))


def send(served: Served, content: bytes) -> tuple[int, Any]:
    answer = served.client.post("/api/v1/backups/received", content=content)
    return answer.status_code, answer.json()


def work(served: Served, path: str) -> dict[str, Any]:
    """Begin something, and return how it ended."""
    assert served.client.post(f"/api/v1/backups{path}").status_code == 202
    answer = served.until("backups", lambda answer: answer["job"]["state"] != "running")
    job: dict[str, Any] = answer["job"]
    return job


def test_a_backup_is_made_listed_downloaded_and_removed(served: Served, tmp_path: Path) -> None:
    job = work(served, "")
    assert (job["work"], job["state"]) == ("make", "done")
    assert job["done"] == job["total"] > 0
    answer = served.ask("backups")
    (row,) = answer["backups"]
    assert (row["id"], row["sessions"], row["problem"]) == (job["backup"], 2, "")
    assert answer["folder"] == str(tmp_path / "second" / "backups")
    fetched = served.client.get(f"/api/v1/backups/{row['id']}/file").content
    assert hashlib.sha256(fetched).digest() == hashlib.sha256(Path(answer["folder"], row["id"]).read_bytes()).digest()
    assert served.client.delete(f"/api/v1/backups/{row['id']}").status_code == 204
    assert served.ask("backups")["backups"] == []


def test_missing_recordings_are_restored_with_their_results_and_the_rest_stays(
    served: Served, archive: Path, tmp_path: Path
) -> None:
    root = tmp_path / "second"
    before = {path.name: path.read_bytes() for path in (root / "sessions").glob("*.cws")}
    code, answer = send(served, archive.read_bytes())
    assert code == 201
    name = answer["backups"][0]["id"]
    findings = work(served, f"/{name}/check")["findings"]
    assert [findings[key] for key in ("sessions", "absent", "present", "deleted", "damaged")] == [3, 1, 1, 1, []]
    assert findings["with_episodes"] is True
    assert {path.name for path in (root / "sessions").glob("*.cws")} == set(before)
    assert work(served, f"/{name}/restore")["findings"]["brought_back"] == 1
    back = recording(root, NIGHTS[0])
    assert hashlib.sha256(back.read_bytes()).hexdigest() == read_content(archive).files[f"sessions/{back.name}"]
    assert (root / "final" / f"{NIGHTS[0].session}.jsonl").exists()
    assert {path.name: path.read_bytes() for path in (root / "sessions").glob("*.cws") if path != back} == before
    night = next(row["night"] for row in served.ask("sessions")["sessions"] if row["id"] == back.stem)
    assert len(served.ask(f"nights/{night}")["episodes"]) == 2
    with closing(SqliteStore(root / "store.sqlite", read_only=True)) as store:
        assert [entry.text for entry in store.journal()] == ["tea"]
    assert work(served, f"/{name}/restore")["findings"]["brought_back"] == 0
    assert not list(root.glob(".crampwatch-*"))


def test_a_second_job_is_refused_and_cancelling_leaves_no_files(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def interrupted(done: int, _total: int | None) -> None:
        steps.append(done)
        if len(steps) == 3:
            raise KeyboardInterrupt

    root = tmp_path / "third"
    DataFolder(root).create()
    here = PageBackups(Settings(data=root))
    with pytest.raises(KeyboardInterrupt):
        here.restore(archive, interrupted)
    assert not list(root.rglob("*.cws"))
    steps.clear()
    with pytest.raises(KeyboardInterrupt):
        PageBackups(Settings(data=archive.parent.parent)).make(tmp_path / "x.tar.gz", interrupted)
    assert not (tmp_path / "x.tar.gz").exists()
    (root / ".crampwatch-restore-killed").mkdir()
    here.remove_leftovers()
    assert not list(root.glob(".crampwatch-*"))
    monkeypatch.setattr(backup_archive, "_RESERVE_BYTES", 1 << 60)
    with pytest.raises(UnavailableError, match="no room"):
        here.restore(archive, lambda _done, _total: None)


INTERRUPTED = """
import os, sys
from pathlib import Path
from crampwatch.app.backup.page_backups import PageBackups
from crampwatch.app.config.settings import Settings

source, root, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
put = PageBackups._move_into_place

def dying(self, path, name):
    global steps
    if steps == 0:
        os.kill(os.getpid(), 9)
    steps -= 1
    put(self, path, name)

PageBackups._move_into_place = dying
PageBackups(Settings(data=root)).restore(source, lambda done, total: None)
"""


@pytest.mark.parametrize("steps", [0, 1, 3, 5])  # three verdicts, then three recordings
def test_a_restore_that_was_killed_loses_nothing_and_can_be_repeated(archive: Path, tmp_path: Path, steps: int) -> None:
    root = tmp_path / "data"
    DataFolder(root).create()
    command = [sys.executable, "-c", INTERRUPTED, str(archive), str(root), str(steps)]
    assert subprocess.run(command, env=environment(), check=False).returncode == -9
    there = list(root.glob("sessions/*.cws"))
    assert len(there) == max(0, steps - 3)
    here = PageBackups(Settings(data=root))
    here.remove_leftovers()
    assert here.restore(archive, lambda _done, _total: None).brought_back == 3 - len(there)
    assert not list(root.glob(".crampwatch-*"))
    digests = read_content(archive).files
    for path in root.glob("sessions/*.cws"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digests[f"sessions/{path.name}"]
    with closing(SqliteStore(root / "store.sqlite", read_only=True)) as store:
        assert len(store.episodes()) == 2 * len(NIGHTS)


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for header, content in members:
            header.size = len(content)
            made.addfile(header, io.BytesIO(content))
    return file.getvalue()


def manifest(**files: str) -> tuple[tarfile.TarInfo, bytes]:
    named = {name.replace("__", "/"): digest for name, digest in files.items()}
    return tarfile.TarInfo("manifest.json"), json.dumps({"made_utc": "", "version": "", "files": named}).encode()


def link(name: str) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return header, b""


BEGINS_BADLY: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "another file": lambda: b"PK\x03\x04 a zip" * 100,
    "another archive": lambda: packed((tarfile.TarInfo("a"), b"x")),
    "no manifest": lambda: packed((tarfile.TarInfo("manifest.json"), b"[]")),
    "a link as manifest": lambda: packed(link("manifest.json")),
    "a way out": lambda: packed(manifest(**{"../x": ""})),
    "an absolute path": lambda: packed(manifest(**{"/etc/x": ""})),
    "a drive": lambda: packed(manifest(**{"C:x": ""})),
    "backslashes": lambda: packed(manifest(**{"..\\x": ""})),
}


@pytest.mark.parametrize("case", BEGINS_BADLY)
def test_an_upload_that_is_no_backup_is_not_stored(served: Served, case: str) -> None:
    code, answer = send(served, BEGINS_BADLY[case]())
    assert code == 400
    assert "cannot be read as a backup" in answer["error"] or "cannot be read" in answer["error"]
    assert "The uploaded file" in answer["error"]
    assert answer["code"] == "no_backup"
    assert served.ask("backups")["backups"] == []
    assert list(Path(served.ask("backups")["folder"]).iterdir()) == []


X = hashlib.sha256(b"x").hexdigest()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda _: packed(manifest(a=X), (tarfile.TarInfo("a"), b"y")), "file a is damaged"),
        (lambda _: packed(manifest(a=X)), "file a is missing"),
        (lambda _: packed(manifest(a=X), (tarfile.TarInfo("../a"), b"x")), "does not name"),
        (lambda _: packed(manifest(a=X), link("a")), "does not name"),
        (lambda _: packed(manifest(a=X), (tarfile.TarInfo("a"), b"x"), (tarfile.TarInfo("b"), b"x")), "does not name"),
        (lambda _: packed(manifest(a=X), (tarfile.TarInfo("a"), b"x"), (tarfile.TarInfo("a"), b"x")), "does not name"),
        (lambda archive: archive.read_bytes()[:-30_000], "cannot be read as a backup"),
    ],
)
def test_nothing_is_restored_from_a_bad_archive(
    archive: Path, tmp_path: Path, content: Callable[[Path], bytes], words: str
) -> None:
    source, root = tmp_path / "b.tar.gz", tmp_path / "data"
    source.write_bytes(content(archive))
    DataFolder(root).create()
    here = PageBackups(Settings(data=root))
    for do in (here.check, here.restore):
        with pytest.raises(RecordingError, match=words) as refused:
            do(source, lambda _done, _total: None)
        assert refused.value.code == "backup_damaged"
    assert [path.name for path in root.iterdir()] == ["logs"]


def test_a_damaged_recording_does_not_prevent_a_backup(served: Served, tmp_path: Path) -> None:
    (tmp_path / "second" / "sessions" / "20260101T000000Z-00000000.cws").write_bytes(b"not a session")
    job = work(served, "")
    assert (job["state"], job["error"]) == ("done", "")
    findings = work(served, f"/{job['backup']}/check")["findings"]
    assert findings["damaged"] == ["20260101T000000Z-00000000.cws"]


def test_a_recording_that_does_not_open_is_reported(archive: Path, tmp_path: Path) -> None:
    source, root = tmp_path / "b.tar.gz", tmp_path / "data"
    source.write_bytes(
        packed(manifest(sessions__a="", **{"sessions/x.cws": X}), (tarfile.TarInfo("sessions/x.cws"), b"x"))
    )
    DataFolder(root).create()
    here = PageBackups(Settings(data=root))
    with pytest.raises(RecordingError, match=r"sessions/a.* is missing"):
        here.check(source, lambda _done, _total: None)
    source.write_bytes(packed(manifest(**{"sessions/x.cws": X}), (tarfile.TarInfo("sessions/x.cws"), b"x")))
    assert here.check(source, lambda _done, _total: None).damaged == ["x.cws"]
    assert here.restore(source, lambda _done, _total: None).brought_back == 1
    assert (root / "sessions" / "x.cws").read_bytes() == b"x"
    assert archive.exists()


def test_an_upload_larger_than_the_free_space_is_refused(
    served: Served, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crampwatch.web.backups.jobs._RESERVED_BYTES", 1 << 60)
    answer = served.client.post("/api/v1/backups/received", content=archive.read_bytes())
    assert answer.status_code == 413
    assert served.ask("backups")["backups"] == []
