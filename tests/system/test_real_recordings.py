"""What the detector says of public recordings of real muscle; floors as in test_accuracy."""

import importlib.util
from pathlib import Path

import pytest
from crampwatch.detector.scoring.annotated import AnnotatedScore
from lanes.lanes import shared_data

LEAST_EXACT = 0.5
"""Share of stretches the annotator was sure of whose onset is within 100 ms beyond the annotator's uncertainty."""

MISSED_BY_A_SLOW_ARMBAND = 2


@pytest.fixture(scope="module")
def scores() -> dict[str, AnnotatedScore]:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "real_recordings.py"
    spec = importlib.util.spec_from_file_location("real_recordings", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.scored(shared_data("INDEX.md").parent))


def test_neither_walking_nor_a_night_at_rest_is_a_cramp(scores: dict[str, AnnotatedScore]) -> None:
    controls = {name: one for name, one in scores.items() if name.startswith("control")}
    assert len(controls) == 2
    assert not any(one.cramps for one in controls.values())
    assert not scores["control: rsleep subject 1, legs at night"].unexplained


def test_what_the_annotator_was_sure_of_is_found(scores: dict[str, AnnotatedScore]) -> None:
    missed = {name: len(one.missed) for name, one in scores.items() if one.missed}
    assert sum(missed.values()) <= MISSED_BY_A_SLOW_ARMBAND, missed


def test_onsets_are_where_the_annotator_saw_them(scores: dict[str, AnnotatedScore]) -> None:
    exact, sure = sum(one.exact for one in scores.values()), sum(one.sure for one in scores.values())
    assert sure == 51
    assert exact >= LEAST_EXACT * sure, {name: (one.exact, one.sure) for name, one in scores.items()}
