"""Which calibration applies at which sample."""

from crampwatch.detector.calibration.calibration import Calibration, ChannelCalibration, with_id
from crampwatch.detector.pipeline.calibration_schedule import CalibrationSchedule

CHANNEL = ChannelCalibration(rest=3.0, curl=60.0, own=80.0, motion_db=-10.0)


def valid_from(index: int) -> Calibration:
    return with_id(Calibration(valid_from_index=index, rate_hz=1000.0, unit="uV", lsb_uv=0.2, channels=(CHANNEL,)))


def test_a_calibration_applies_from_its_index_on() -> None:
    schedule = CalibrationSchedule()
    schedule.add(valid_from(5000))
    assert schedule.advance(4999) is None
    assert schedule.advance(5000) == schedule.current == valid_from(5000)
    assert schedule.advance(9000) is None, "nothing changes any more"


def test_of_several_that_are_valid_the_latest_applies() -> None:
    schedule = CalibrationSchedule()
    for index in (7000, 5000, 6000, 9000):
        schedule.add(valid_from(index))
    assert schedule.advance(8000) == valid_from(7000)
    assert schedule.due == (valid_from(9000),)


def test_one_that_was_added_before_is_ignored() -> None:
    schedule = CalibrationSchedule()
    for _ in range(2):
        schedule.add(valid_from(5000))
    assert schedule.due == (valid_from(5000),)
    schedule.advance(5000)
    schedule.add(valid_from(5000))
    assert not schedule.due
