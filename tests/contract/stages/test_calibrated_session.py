"""A calibration made of a session, and the verdict that judges with it: the same again, whatever is made later."""

import shutil
from pathlib import Path

import msgspec
import pytest
from crampwatch.app.analysis.session_analysis import analyse_session
from crampwatch.app.calibration.calibrate import calibrate_session
from crampwatch.app.cli.main import main
from crampwatch.detector.calibration.calibration import Calibration, Phase, with_id
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.errors import ConfigurationError
from nights.synthetic_night import Contraction, SyntheticNight

S_NS = 1_000_000_000
NIGHT = SyntheticNight(
    1_700_000_000 * S_NS,
    130,
    [Contraction(24, 3), Contraction(29, 3), Contraction(34, 3), Contraction(75, 25, amplitude_uv=60)],
    feet=(("CW-LEFT", "left"), ("CW-RIGHT", "right")),
)
SPANS = {Phase.REST: (2.0, 20.0), Phase.CURL: (20.0, 40.0)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NIGHT.write_recording(tmp_path_factory.mktemp("written"))


@pytest.fixture
def session(written: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "sessions"
    folder.mkdir()
    return Path(shutil.copy(written, folder))


def episodes(session: Path) -> dict[str, tuple[messages.Episode, ...]]:
    with SessionReader(session) as reader:
        return {one.sensor.sensor: one.episodes for one in analyse_session(reader)}


def keep(session: Path, calibration: Calibration) -> None:
    CalibrationFolder(session.parent.parent / "calibrations").save(calibration)


def test_the_verdict_judges_with_it_from_then_on_and_says_so(session: Path) -> None:
    before = episodes(session)
    assert {one.calibration for of_sensor in before.values() for one in of_sensor} == {""}
    made = calibrate_session(session, SPANS, sensor="CW-LEFT")
    keep(session, made)
    after = episodes(session)
    assert after["CW-RIGHT"] == before["CW-RIGHT"]
    assert {one.calibration for one in after["CW-LEFT"] if one.onset_index > made.valid_from_index} == {made.name}
    assert {one.calibration for one in after["CW-LEFT"] if one.onset_index < 40_000} == {""}
    assert episodes(session) == after


def test_what_was_made_later_or_of_another_place_changes_nothing(session: Path) -> None:
    made = calibrate_session(session, SPANS, sensor="CW-LEFT")
    before = episodes(session)
    other = msgspec.structs.replace(made, boot_id=made.boot_id + 1, made_ns=made.made_ns + 3600 * S_NS)
    keep(session, with_id(other))
    keep(session, with_id(msgspec.structs.replace(made, muscle="calf")))
    assert episodes(session) == before


def test_one_of_the_evening_before_holds_from_the_first_sample_on(session: Path) -> None:
    made = calibrate_session(session, SPANS, sensor="CW-LEFT")
    earlier = with_id(msgspec.structs.replace(made, boot_id=made.boot_id + 1, made_ns=made.made_ns - 3600 * S_NS))
    keep(session, earlier)
    assert {one.calibration for one in episodes(session)["CW-LEFT"]} == {earlier.name}


def test_a_file_that_is_none_is_left_out(session: Path) -> None:
    folder = session.parent.parent / "calibrations"
    folder.mkdir()
    (folder / "odd.calibration.json").write_text("{}")
    assert {one.calibration for one in episodes(session)["CW-LEFT"]} == {""}


def test_the_commands_make_it_and_tell_of_it(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(session.parent.parent)
    stretches = ("--rest", "2-20", "--curl", "20-40", "--sensor", "CW-LEFT")
    assert main(["calibrate", str(session), *stretches, "--data", data]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Calibration ")
    assert "The toe curls are clearest on channel" in printed
    assert main(["detect", str(session), "--data", data]) == 0
    assert (
        f"Calibration used: {printed.partition(' saved in ')[0].removeprefix('Calibration ')}."
        in capsys.readouterr().err
    )


def test_several_sensors_need_a_name(session: Path) -> None:
    with pytest.raises(ConfigurationError, match="CW-LEFT, CW-RIGHT"):
        calibrate_session(session, SPANS, sensor=None)
