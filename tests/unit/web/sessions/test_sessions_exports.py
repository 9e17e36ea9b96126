"""Exports: what a failure reports, and how many jobs and files there may be."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError
from crampwatch.web.sessions.exports import Exports, Progress
from crampwatch.web.sessions.schema import ExportJob


def failed(folder: Path, error: Exception) -> ExportJob:
    def export(*_: object) -> int:
        raise error

    exports = Exports(folder / "exports", export)
    key = exports.start(folder / "night.cws", "edf", None).id
    until_s = time.monotonic() + 20
    while (job := exports.job(key)) is None or job.state == "running":
        assert time.monotonic() < until_s
        time.sleep(0.005)
    return job


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("The disk is full.", advice="Free some space.", code="no_room"),
        RecordingError("It holds no EMG.", code="nothing_to_export"),
        RecordingError("Nobody gave this a code."),
    ],
)
def test_a_failed_job_reports_the_error_and_its_code(tmp_path: Path, error: CrampwatchError) -> None:
    job = failed(tmp_path, error)
    assert (job.state, job.error, job.code) == ("failed", str(error), error.code)


def test_an_unexpected_error_is_reported_without_its_text(tmp_path: Path) -> None:
    job = failed(tmp_path, ZeroDivisionError("division by zero"))
    assert (job.state, job.code) == ("failed", "unexpected")
    assert "division" not in job.error


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def wait_for(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def write_file(_session: Path, target: Path, _sensor: str | None, _progress: Progress) -> int:
    target.write_text("exported")
    return 1


def is_done(exports: Exports, key: str) -> bool:
    job = exports.job(key)
    return job is not None and job.state == "done"


def test_twenty_exports_may_run_at_once(tmp_path: Path) -> None:
    may_end = threading.Event()

    def export(*_: object) -> int:
        may_end.wait(20)
        return 0

    exports = Exports(tmp_path / "exports", export)
    for _ in range(20):
        exports.start(tmp_path / "night.cws", "edf", None)
    with pytest.raises(UnavailableError, match="Too many exports") as refused:
        exports.start(tmp_path / "night.cws", "edf", None)
    assert refused.value.code == "too_many_exports"
    may_end.set()
    wait_for(lambda: all(job.state == "done" for job in exports.jobs()))


def test_an_exported_file_is_kept_for_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    exports = Exports(tmp_path / "exports", write_file, clock=clock)
    key = exports.start(tmp_path / "night.cws", "csv", "CW-1").id
    wait_for(lambda: is_done(exports, key))
    clock.now_s = 3600.0
    assert [job.id for job in exports.jobs()] == [key]
    file = exports.file(key)
    assert file is not None
    assert (file.name, file.read_text()) == ("night-CW-1.csv", "exported")
    clock.now_s = 3600.1
    assert exports.jobs() == []
    assert not file.parent.exists()


def test_the_newest_twenty_finished_exports_are_kept(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "exports", write_file)
    keys = []
    for _ in range(21):
        keys.append(exports.start(tmp_path / "night.cws", "csv", None).id)
        wait_for(lambda: is_done(exports, keys[-1]))
    assert [job.id for job in exports.jobs()] == keys[:0:-1]


def test_files_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "exports" / "old").mkdir(parents=True)
    Exports(tmp_path / "exports", write_file)
    assert not (tmp_path / "exports").exists()
