"""The example that researchers copy, run from a wheel and not from the source tree."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]

EXAMPLE = """
import numpy as np

import crampwatch.detector
from crampwatch.detector import Detector, detect
from crampwatch.recordings import from_array, read, write

rng = np.random.default_rng(7)
emg_uv = rng.normal(0.0, 2.0, (60_000, 2))
emg_uv[20_000:20_150] += rng.normal(0.0, 60.0, (150, 2))

episodes = detect(emg_uv, rate_hz=1000)
detector = Detector(rate_hz=1000, channels=2)
events = [event for first in range(0, len(emg_uv), 700) for event in detector.push(emg_uv[first : first + 700])]
events += detector.finish()
assert [one.episode_id for one in detector.episodes] == [one.episode_id for one in episodes], detector
assert {event.episode_id for event in events} == {one.episode_id for one in episodes}

write("night.edf", from_array(emg_uv, rate_hz=1000))
assert [one.kind for one in detect(read("night.edf"))] == [one.kind for one in episodes]
print(crampwatch.detector.__file__)
print(episodes[0])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of a wheel in a folder of its own; its page is bundled already where the tests run."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("crampwatch-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_example_runs_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    # The folder comes before the source tree that an editable install adds, so its half of the namespace wins.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLE],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    where, episode = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert episode.startswith("likely twitch, 20.0-20.2 s (0.2 s), channels ")
