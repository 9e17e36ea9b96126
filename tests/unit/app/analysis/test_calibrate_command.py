"""`crampwatch calibrate FILE`: a calibration from a recording, and what is refused."""

from pathlib import Path

import pytest
from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.main import main

SPANS = ("--rest", "2-20", "--curl", "20-40", "--ankle", "40-60")


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evening") / "evening.npz"
    assert main(["simulate", "--scenario", "calibration", "--seed", "5", "--out", str(path)]) == 0
    return path


def test_a_calibration_from_a_recording_is_used_by_detect(
    evening: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "own.json"
    assert main(["calibrate", str(evening), *SPANS, "--out", str(saved)]) == 0
    assert "hardest effort" in capsys.readouterr().out
    assert main(["detect", str(evening), "--calibration", str(saved)]) == 0
    printed = capsys.readouterr()
    assert "Calibration used: " in printed.err
    assert "of your own maximum effort" in " ".join(printed.out.split())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--rest", "2-20", "--curl", "2-18"), ExitCode.USAGE, "The toe curls were not seen"),
        (("--rest", "20-40", "--curl", "2-20"), ExitCode.USAGE, "The rest was not calm"),
        (("--rest", "2-20"), ExitCode.USAGE, "does not state when the wearer did what"),
        (("--rest", "20-2", "--curl", "20-40"), ExitCode.USAGE, "is not a range of seconds"),
        (("--rest", "2-20", "--curl", "20-400"), ExitCode.USAGE, "The signal ends before the phase curl does"),
    ],
)
def test_a_misleading_calibration_is_refused(
    evening: Path, arguments: tuple[str, ...], code: ExitCode, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(evening), *arguments]) == code
    assert message in " ".join(capsys.readouterr().err.split())
    assert not evening.with_name(f"{evening.name}.calibration.json").exists()


def test_a_file_that_is_not_a_calibration_is_refused(
    evening: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text("[]")
    arguments = ["detect", str(evening), "--calibration", str(tmp_path / "odd.json")]
    assert main(arguments) == ExitCode.BAD_RECORDING
    assert "This is not a calibration" in capsys.readouterr().err
