"""What an export that failed says: a sentence for people, and a code for pages that speak another language."""

import time
from pathlib import Path

import pytest
from crampwatch.protocol.errors import CrampwatchError, RecordingError, UnavailableError
from crampwatch.web.sessions.exports import Exports
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
def test_a_failure_keeps_its_words_and_its_code(tmp_path: Path, error: CrampwatchError) -> None:
    job = failed(tmp_path, error)
    assert (job.state, job.error, job.code) == ("failed", str(error), error.code)


def test_what_nobody_expected_is_told_as_such(tmp_path: Path) -> None:
    job = failed(tmp_path, ZeroDivisionError("division by zero"))
    assert (job.state, job.code) == ("failed", "unexpected")
    assert "division" not in job.error
