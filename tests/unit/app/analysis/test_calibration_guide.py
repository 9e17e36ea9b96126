"""The guide through a calibration: its phases are counted in the sensor's own samples."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from crampwatch.app.calibration.guide import READY_S, Guide, GuideStep
from crampwatch.detector.calibration.calibration import CalibrationRefusedError, Phase
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin

RATE_HZ = 1000
FIRST_INDEX = 500


def info() -> messages.SensorInfo:
    stream = messages.StreamInfo(
        stream=1, kind="emg", channels=1, rate_hz=float(RATE_HZ), lsb_uv=0.25, band_hz=(10.0, 450.0), labels=()
    )
    return messages.SensorInfo(
        sensor="CW-1", t_ns=1, origin=Origin.DEMO, session="s", name="CW-1", profile="cws-v1", boot_id=1,
        streams=(stream,), started_ns=0, utc_offset_s=0,
    )  # fmt: skip


def block(first: int, samples: int, **changes: Any) -> SampleBlock:
    counts = np.random.default_rng(first).normal(0, 10, (samples, 1)).astype(np.int32)
    fields: dict[str, Any] = {
        "session": UUID(int=1), "flags": BlockFlag(0), "stream": 1, "boot_id": 1, "first_index": FIRST_INDEX + first,
        "first_utc_ns": first * 1_000_000, "rate_hz": float(RATE_HZ), "lsb": 0.25e-6, "counts": counts,
    }  # fmt: skip
    return SampleBlock(**{**fields, **changes})


def step_at(samples: int) -> GuideStep | None:
    first = block(0, samples)
    return Guide(info(), first, phase_s=10.0).push(first)


@pytest.mark.parametrize(
    ("samples", "phase", "ready_in_s", "left_s"),
    [
        (3_999, Phase.REST, 0.001, 10.0),
        (4_000, Phase.REST, 0.0, 10.0),
        (13_999, Phase.REST, 0.0, 0.001),
        (14_000, Phase.CURL, 4.0, 10.0),
        (28_000, Phase.ANKLE, 4.0, 10.0),
        (41_999, Phase.ANKLE, 0.0, 0.001),
    ],
)
def test_each_phase_is_announced_four_seconds_before_it_is_measured(
    samples: int, phase: Phase, ready_in_s: float, left_s: float
) -> None:
    assert READY_S == 4.0
    step = step_at(samples)
    assert step is not None
    assert step.phase is phase
    assert step.ready_in_s == pytest.approx(ready_in_s)
    assert step.left_s == pytest.approx(left_s)


def test_the_guide_is_over_with_the_last_sample_of_the_last_phase() -> None:
    assert step_at(42_000) is None


def test_a_sensor_that_restarts_ends_the_calibration() -> None:
    first = block(0, 100)
    guide = Guide(info(), first, phase_s=10.0)
    guide.push(first)
    with pytest.raises(CalibrationRefusedError, match="restarted"):
        guide.push(block(100, 100, boot_id=2))
