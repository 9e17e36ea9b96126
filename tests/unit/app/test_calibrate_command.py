"""`crampwatch calibrate FILE`: of a recording, and what it says where that cannot be."""

from pathlib import Path

import pytest
from crampwatch.app.cli.exits import ExitCode
from crampwatch.app.cli.main import main

STRETCHES = ("--rest", "2-20", "--curl", "20-40", "--ankle", "40-60")


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evening") / "evening.npz"
    assert main(["simulate", "--scenario", "calibration", "--seed", "5", "--out", str(path)]) == 0
    return path


def test_a_recording_is_calibrated_and_judged_with_it(
    evening: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "own.json"
    assert main(["calibrate", str(evening), *STRETCHES, "--out", str(kept)]) == 0
    assert "hardest effort" in capsys.readouterr().out
    assert main(["detect", str(evening), "--calibration", str(kept)]) == 0
    told = capsys.readouterr()
    assert "Judged with calibration" in told.err
    assert "of your own hardest effort" in " ".join(told.out.split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--rest", "2-20", "--curl", "2-18"), ExitCode.USAGE, "The toe curls were not seen"),
        (("--rest", "20-40", "--curl", "2-20"), ExitCode.USAGE, "The rest was not calm"),
        (("--rest", "2-20"), ExitCode.USAGE, "does not tell when the wearer did what"),
        (("--rest", "20-2", "--curl", "20-40"), ExitCode.USAGE, "is no stretch of seconds"),
        (("--rest", "2-20", "--curl", "20-400"), ExitCode.USAGE, "The signal ends before the phase curl does"),
    ],
)
def test_what_would_mislead_is_refused(
    evening: Path, arguments: tuple[str, ...], code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(evening), *arguments]) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert not evening.with_name(f"{evening.name}.calibration.json").exists()


def test_a_file_that_is_no_calibration_is_told(
    evening: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text("[]")
    arguments = ["detect", str(evening), "--calibration", str(tmp_path / "odd.json")]
    assert main(arguments) == ExitCode.BAD_RECORDING
    assert "This is not a calibration" in capsys.readouterr().err
