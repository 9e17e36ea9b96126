"""Disturbances of the signal must neither hide a cramp nor look like one."""

import pytest
from signals.disturbances import DISTURBANCES, cramps_and_holds, found_with
from signals.muscle_generator import Scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return cramps_and_holds(103)


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_cramps_are_found_in_a_disturbed_signal(scene: Scene, disturbance: str) -> None:
    found = found_with(disturbance, scene)
    assert found.cramps == 8
    assert found.found >= 7
    assert found.false == 0
