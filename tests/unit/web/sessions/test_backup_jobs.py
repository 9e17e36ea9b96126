"""Jobs on backups: one at a time, cancellable, and uploads that leave room on the disk."""

import io
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from crampwatch.protocol.errors import RecordingError, UnavailableError
from crampwatch.web.backups.jobs import BackupJobs, Upload
from crampwatch.web.backups.schema import BackupFindings
from crampwatch.web.sessions.exports import Progress

Usage = namedtuple("Usage", "total used free")
FINDINGS = BackupFindings(
    made_utc="", version="", files=1, sessions=1, absent=0, present=1, deleted=0, damaged=[], with_episodes=True
)


class Work:
    """Work that waits until it may end, and calls every archive that starts with "good" a backup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: Exception | None = None

    def make(self, target: Path, progress: Progress) -> None:
        self._wait(progress)
        target.write_text("good")

    def sessions(self, source: Path) -> int:
        if not source.read_bytes().startswith(b"good"):
            raise RecordingError(f"{source} cannot be read as a backup.", code="no_backup")
        return 3

    def check(self, source: Path, progress: Progress) -> BackupFindings:
        del source
        self._wait(progress)
        return FINDINGS

    def restore(self, source: Path, progress: Progress) -> BackupFindings:
        return self.check(source, progress)

    def remove_leftovers(self) -> None:
        pass

    def _wait(self, progress: Progress) -> None:
        progress(1, 2)
        assert self.may_end.wait(20)
        if self.error is not None:
            raise self.error
        progress(2, 2)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    (tmp_path / "backups").mkdir()
    return Work(tmp_path / "backups")


@pytest.fixture
def jobs(work: Work) -> BackupJobs:
    return BackupJobs(work)


def wait_for(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def state(jobs: BackupJobs) -> str:
    job = jobs.backups().job
    return "none" if job is None else job.state


def receive(jobs: BackupJobs, content: bytes) -> None:
    with jobs.receive_upload() as upload:
        assert upload.write(content)


def test_only_one_job_runs_at_a_time(jobs: BackupJobs, work: Work) -> None:
    work.may_end.clear()
    name = jobs.make().backup
    for start in (jobs.make, lambda: jobs.check(work.folder / name), lambda: jobs.restore(work.folder / name)):
        with pytest.raises(UnavailableError) as refused:
            start()
        assert refused.value.code == "backup_busy"
    work.may_end.set()
    wait_for(lambda: state(jobs) == "done")
    assert jobs.check(work.folder / name).state == "running"
    wait_for(lambda: state(jobs) == "done")
    assert jobs.backups().job is not None
    assert jobs.backups().job.findings == FINDINGS  # type: ignore[union-attr] # asserted above


def test_a_backup_in_use_is_not_removed(jobs: BackupJobs, work: Work) -> None:
    for name in ("used.tar.gz", "other.tar.gz"):
        (work.folder / name).write_text("good")
    work.may_end.clear()
    jobs.check(work.folder / "used.tar.gz")
    with pytest.raises(UnavailableError, match="in use"):
        jobs.delete("used.tar.gz")
    assert jobs.delete("other.tar.gz")
    assert not jobs.delete("other.tar.gz")
    work.may_end.set()
    wait_for(lambda: state(jobs) == "done")
    assert jobs.delete("used.tar.gz")


def test_a_cancelled_job_ends_and_can_be_cleared(jobs: BackupJobs, work: Work) -> None:
    assert not jobs.cancel()
    work.may_end.clear()
    jobs.make()
    assert jobs.cancel()
    work.may_end.set()
    wait_for(lambda: state(jobs) == "cancelled")
    assert jobs.cancel()
    assert state(jobs) == "none"
    assert jobs.backups().backups == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RecordingError("It is damaged.", code="backup_damaged"), "backup_damaged"),
        (ZeroDivisionError("x"), "unexpected"),
    ],
)
def test_why_a_job_failed_is_reported(jobs: BackupJobs, work: Work, error: Exception, code: str) -> None:
    work.error = error
    jobs.make()
    wait_for(lambda: state(jobs) == "failed")
    job = jobs.backups().job
    assert job is not None
    assert job.code == code
    assert job.error.startswith("It is damaged." if code == "backup_damaged" else "An unexpected error")


def test_an_upload_is_stored_only_if_it_is_a_backup(jobs: BackupJobs, work: Work) -> None:
    receive(jobs, b"good backup")
    (row,) = jobs.backups().backups
    assert (row.sessions, row.size_octets, row.problem) == (3, 11, "")
    with pytest.raises(RecordingError, match=r"^The uploaded file cannot be read as a backup"):
        receive(jobs, b"bad")
    assert [path.name for path in work.folder.iterdir()] == [row.id]


@pytest.mark.parametrize(("free", "room"), [(500_000_000, 0), (499_999_999, 0), (500_000_010, 10)])
def test_an_upload_leaves_half_a_gigabyte_free(
    jobs: BackupJobs, monkeypatch: pytest.MonkeyPatch, free: int, room: int
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 0, free))
    assert jobs.backups().most_octets == room


def test_an_upload_may_fill_its_room_but_not_more() -> None:
    file = io.BytesIO()
    upload = Upload(file, "x.tar.gz", 10)
    assert upload.write(b"12345")
    assert upload.write(b"67890")
    assert not upload.write(b"1")
    assert file.getvalue() == b"1234567890"


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("a.tar.gz", True),
        (f"{'a' * 151}.tar.gz", True),
        (f"{'a' * 152}.tar.gz", False),
        (".crampwatch-a.tar.gz", False),
        ("-a.tar.gz", False),
        ("a b.tar.gz", False),
        ("a.tar", False),
    ],
)
def test_only_files_with_a_plain_name_are_listed(jobs: BackupJobs, work: Work, name: str, is_listed: bool) -> None:
    (work.folder / name).write_text("good")
    assert (jobs.path(name) is not None) is is_listed
