"""The simulated wearer calibrates: what is made of it is what the wearer's muscles can do, by the simulator's truth."""

import numpy as np
import pytest
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment
from crampwatch.detector.calibration.calibration import Phase
from crampwatch.firmware_sim.scenarios import PHASES_S, calibration_before, scenario


@pytest.mark.parametrize(("name", "channels"), [("calibration", 2), ("night-hard", 1), ("night", 3)])
def test_a_simulated_calibration_is_accepted(name: str, channels: int) -> None:
    source = calibration_before(name, seed=11, channels=channels)
    assert source.duration_samples is not None
    builder = CalibrationBuilder(source.stream)
    builder.push(0, source.read(0, source.duration_samples))
    rate_hz = source.stream.rate_hz
    spans = {Phase(phase): (round(first * rate_hz), round(last * rate_hz)) for phase, (first, last) in PHASES_S.items()}
    made = builder.build([Segment(phase, *span) for phase, span in spans.items()])
    curls = [event for event in source.truth if event.label == "toe_curl"]
    assert len(curls) >= 2
    for channel, known in enumerate(made.channels):
        assert known.rest < 8.0
        assert known.own is None or known.own > 5.0 * known.rest, channel
    assert made.toe_channel in range(channels)


def test_the_wearer_is_the_one_of_the_night() -> None:
    before, night = calibration_before("night-hard", seed=12), scenario("night-hard", seed=12)
    assert before.stream == night.stream
    assert np.array_equal(before.temperature_c(0, 5), night.temperature_c(0, 5))
