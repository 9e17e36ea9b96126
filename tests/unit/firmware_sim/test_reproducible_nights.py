"""The same seed gives the same night, in this version of the code as in the last.

Figures measured on simulated nights (docs/evaluation.md) compare only as long as the nights are the same. A change of a
single random draw changes nearly everything after it, so a few sums per scenario notice it. They are compared with a
small tolerance, since NumPy's mathematical functions differ in the last bits between processors.

After a change that is meant to change nights, say so in CHANGELOG.md and write the sums again:

    python tests/unit/firmware_sim/test_reproducible_nights.py
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from crampwatch.firmware_sim.scenarios import calibration_before, scenario, scenario_names
from crampwatch.firmware_sim.signal_source import SignalSource

SUMS_FILE = Path(__file__).with_name("reproducible_nights.json")
SAMPLES = 16_000
SEEDS = (1, 2, 3)
HOURS = {"exam": 0.25, "night": 0.25, "night-calm": 0.25, "night-hard": 0.25}
"""Planning and measuring a whole night takes longer than a unit test may."""


def signal_sums(source: SignalSource) -> list[float]:
    """Return sums over the start of a signal that hardly any two signals share."""
    samples_uv = source.read(0, SAMPLES)
    weights = np.sin(np.arange(len(samples_uv)))[:, None]
    return [
        float(np.nansum(np.abs(samples_uv))),
        float(np.nansum(samples_uv * weights)),
        float(source.temperature_c(0, 16).sum()),
    ]


def event_sums(source: SignalSource) -> list[float]:
    """Return sums over everything that happens in a short recording."""
    truth = source.truth
    return [
        float(len(truth)),
        math.fsum(event.onset_s for event in truth),
        math.fsum(event.offset_s for event in truth),
        math.fsum(event.peak_uv for event in truth),
    ]


def all_sums() -> dict[str, list[float]]:
    """Return the sums of every scenario and seed, by a name for error messages."""
    sums = {
        f"{name}, seed {seed}": signal_sums(scenario(name, seed=seed, hours=HOURS.get(name)))
        for name in scenario_names()
        for seed in SEEDS
    }
    for name in scenario_names():
        short = scenario(name, seed=4, hours=0.1, channels=4, rate_hz=500.0)
        sums[f"{name}, 4 channels at 500 Hz"] = signal_sums(short) + event_sums(short)
    sums["calibration before night, seed 3"] = signal_sums(calibration_before("night", seed=3))
    return sums


def test_the_same_seed_gives_the_same_night_as_ever() -> None:
    expected = json.loads(SUMS_FILE.read_text())
    sums = all_sums()
    assert sums.keys() == expected.keys()
    for name, values in sums.items():
        assert values == pytest.approx(expected[name], rel=1e-6, abs=1e-3), name


if __name__ == "__main__":
    SUMS_FILE.write_text(json.dumps(all_sums(), indent=1) + "\n")
