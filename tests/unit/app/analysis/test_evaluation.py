"""`crampwatch evaluate`: seeds, cases, tables, the page and its plots."""

import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crampwatch.app.cli.main import main
from crampwatch.app.evaluation.case import OpenedCase
from crampwatch.app.evaluation.clip import Clip
from crampwatch.app.evaluation.evaluate import Evaluation, evaluate
from crampwatch.app.evaluation.outcome import _reliability_curve
from crampwatch.app.evaluation.plot import clip_svg, reliability_svg
from crampwatch.app.evaluation.report import pick_clips
from crampwatch.app.evaluation.request import Request
from crampwatch.app.evaluation.seeds import SEED_SETS, seeds_of, set_of
from crampwatch.app.evaluation.simulated_night import SimulatedNight
from crampwatch.app.evaluation.trial import run_case
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.recordings import from_array
from crampwatch.recordings.truth import TruthEvent
from lanes.lanes import shared_data


def quietly(_done: int, _total: int | None) -> None:
    pass


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("evaluation")
    request = Request(
        scenario="exam", seeds="checking:2", hours=0.1, keep=folder / "nights", report=folder / "report", plots=12
    )
    done = evaluate(request, progress=quietly)
    done.write(folder / "report")
    return done


def report(evaluated: Evaluation, name: str) -> str:
    assert evaluated.request.report is not None
    return (evaluated.request.report / name).read_text("utf-8")


def test_seeds_to_tune_with_and_seeds_to_report_never_meet() -> None:
    sets = [set(numbers) for numbers in SEED_SETS.values()]
    assert sum(map(len, sets)) == len(set.union(*sets))


@pytest.mark.parametrize(
    ("text", "first", "count"), [("reporting:3", 9001, 3), ("tuning", 1, 12), ("1-4,8", 1, 5), ("7", 7, 1)]
)
def test_seeds_are_sets_ranges_and_numbers(text: str, first: int, count: int) -> None:
    seeds = seeds_of(text)
    assert (seeds[0], len(seeds)) == (first, count)


@pytest.mark.parametrize("text", ["", "abc", "reporting:x", "1-", "4-x"])
def test_what_are_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a set or list of seeds"):
        seeds_of(text)


def test_a_report_on_mixed_seeds_says_so() -> None:
    assert set_of((1, 2)) == "tuning"
    assert set_of((1, 9001)) == "mixed"


def test_simulated_accuracy_is_called_that(evaluated: Evaluation) -> None:
    assert evaluated.headline.startswith("Simulated accuracy: 2 night(s) of exam, seeds checking:2 (checking)")
    for name in ("report.html", "summary.md"):
        assert "Simulated accuracy" in report(evaluated, name)
    assert json.loads(report(evaluated, "figures.json"))["request"]["simulated"] is True


def test_the_page_needs_nothing_beside_it_and_says_how_to_repeat_it(evaluated: Evaluation) -> None:
    page = report(evaluated, "report.html")
    assert "crampwatch evaluate --scenario exam --seeds checking:2 --hours 0.1" in page
    assert not any(word in page for word in ("http://", "https://", "<script", "@import", "url("))
    assert "not a medical device" in page
    assert f"{len(evaluated.plots.clips)} of {len(evaluated.plots.clips) + evaluated.plots.left_out} shown" in page


def test_every_plot_is_well_formed_and_shows_what_it_is_about(evaluated: Evaluation) -> None:
    assert evaluated.plots.clips
    for clip in evaluated.plots.clips:
        drawn = ET.fromstring(clip_svg(clip))
        classes = {part.get("class") for part in drawn.iter()}
        assert {"wave", "envelope", "floor", "threshold", "edge"} <= classes
        assert clip.start_s <= clip.subject.onset_s
        spans = clip.truth if clip.is_miss else clip.episodes
        assert any(span.onset_s == clip.subject.onset_s for span in spans)


def test_a_plot_shows_the_extremes_of_the_signal_itself(evaluated: Evaluation) -> None:
    clip = evaluated.plots.clips[0]
    seed = int(clip.case.rpartition(" ")[2])
    signal = np.concatenate(list(SimulatedNight("exam", seed, 0.1).open().recording.chunks(60_000)))
    window = signal[round(clip.start_s * 1000) : round(clip.stop_s * 1000)]
    window = window - np.nanmedian(window, axis=0)
    assert np.nanmax(clip.highest, axis=0) == pytest.approx(np.nanmax(window, axis=0), rel=1e-5)
    assert np.nanmin(clip.lowest, axis=0) == pytest.approx(np.nanmin(window, axis=0), rel=1e-5)


def test_plots_of_cramps_come_first_and_what_is_left_out_is_counted(evaluated: Evaluation) -> None:
    clips = evaluated.plots.clips
    order = [clip.subject.kind is not EpisodeKind.CRAMP for clip in clips]
    assert order == sorted(order)
    few = pick_clips(clips, left_out=3, most=2)
    assert (len(few.clips), few.left_out) == (2, 3 + len(clips) - 2)


def test_a_plot_of_missing_samples_has_a_gap(evaluated: Evaluation) -> None:
    clip = evaluated.plots.clips[0]
    parts = {name: getattr(clip, name) for name in Clip.__slots__}
    hollow = Clip(
        **{**parts, "lowest": np.full_like(clip.lowest, np.nan), "highest": np.full_like(clip.highest, np.nan)}
    )
    assert 'class="wave" d=""' in clip_svg(hollow)


def test_reliability_is_drawn_for_every_kind_seen(evaluated: Evaluation) -> None:
    assert evaluated.outcome is not None
    drawn = reliability_svg(evaluated.outcome.reliability)
    ET.fromstring(drawn)
    assert ">cramp<" in drawn


def test_a_kept_night_is_the_night_itself_gaps_and_all(tmp_path: Path) -> None:
    fresh = SimulatedNight("night-hard", 3, 0.05)
    kept = SimulatedNight("night-hard", 3, 0.05, kept_in=tmp_path)
    signals = [np.concatenate(list(case.open().recording.chunks(10_000))) for case in (fresh, kept, kept)]
    np.testing.assert_array_equal(signals[0], signals[1])
    np.testing.assert_array_equal(signals[0], signals[2])
    assert tuple(fresh.open().events) == tuple(kept.open().events)


def test_a_night_of_unknown_scale_is_in_counts() -> None:
    known, unknown = (SimulatedNight("exam", 1, 0.01, scale_known=scale_known).open() for scale_known in (True, False))
    assert not unknown.recording.stream.has_scale
    one, other = (next(iter(opened.recording.chunks(5000))) for opened in (known, unknown))
    np.testing.assert_allclose(other * known.recording.stream.lsb_uv, one)
    assert np.array_equal(other, np.rint(other), equal_nan=True)


def test_two_at_a_time_come_out_as_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for jobs in ("1", "2"):
        assert (
            main(["evaluate", "--scenario", "exam", "--hours", "0.01", "--seeds", "1-2", "--jobs", jobs, "--json"]) == 0
        )
        said.append(json.loads(capsys.readouterr().out))
    for one in said:
        del one["speed"]
    assert said[0] == said[1]


def test_an_endless_scenario_needs_a_length(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--scenario", "quiet", "--seeds", "1"]) == 2
    assert "--hours" in capsys.readouterr().err


def test_an_annotated_recording_is_scored_by_its_annotations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(shared_data("biosppy", "emg_1.txt")), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["annotated"]["emg_1.txt"]
    assert result["sure"] == 4
    assert result["cramps"] == 0


def test_a_recording_without_annotations_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(shared_data("biosppy", "emg_1.txt"), tmp_path / "emg_1.txt")
    assert main(["evaluate", str(tmp_path / "emg_1.txt")]) == 4
    assert "annotations beside it" in capsys.readouterr().err


def test_a_simulated_file_is_scored_by_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night = tmp_path / "night.npz"
    assert main(["simulate", "--scenario", "exam", "--hours", "0.06", "--out", str(night)]) == 0
    assert main(["evaluate", str(night), "--report", str(tmp_path / "report")]) == 0
    assert "Simulated accuracy: 1 file(s)" in capsys.readouterr().out
    assert "Simulated accuracy" in (tmp_path / "report" / "report.html").read_text("utf-8")


def test_a_calibrated_wearer_is_judged_with_what_is_known(tmp_path: Path) -> None:
    request = Request(scenario="exam", seeds="checking:1", hours=0.05, calibrated=True, report=tmp_path)
    (case,) = request.cases()
    opened = case.open()
    assert opened.calibration is not None
    assert case.name == "exam 5001, calibrated"
    assert request.command.endswith("--hours 0.05 --calibrated")
    assert replace(request, calibrated=False).cases()[0].open().calibration is None


@pytest.mark.parametrize(
    ("name", "first", "last", "usual"),
    [("tuning", 1, 999, 12), ("checking", 5001, 5999, 1), ("reporting", 9001, 9999, 12)],
)
def test_each_set_of_seeds_has_its_numbers_and_usual_size(name: str, first: int, last: int, usual: int) -> None:
    assert (SEED_SETS[name][0], SEED_SETS[name][-1]) == (first, last)
    assert len(seeds_of(name)) == usual
    assert set_of((first, last)) == name
    assert set_of((first - 1,)) == set_of((last + 1,)) == "mixed"


def test_reliability_has_ten_bins_and_certainty_belongs_to_the_last() -> None:
    curve = _reliability_curve([(0.0, False), (0.099, True), (0.1, True), (0.95, True), (1.0, False)])
    assert [(one.correct, one.episodes) for one in curve] == [(0.5, 2), (1.0, 1), (0.5, 2)]


class _Case:
    """A case of noise, with one long and one short event."""

    name, simulated = "made up", True

    def __init__(self, *events: TruthEvent) -> None:
        self._events = events

    def open(self) -> OpenedCase:
        noise = np.random.default_rng(0).normal(0.0, 2.0, (300_000, 1))
        return OpenedCase(from_array(noise, rate_hz=1000.0), self._events)


@pytest.mark.parametrize(
    ("onset_s", "lasts_s", "start_s", "stop_s"),
    [(100.0, 0.5, 97.0, 103.5), (100.0, 1.0, 90.0, 111.0), (5.0, 20.0, 0.0, 35.0), (100.0, 170.0, 90.0, 240.0)],
    ids=["brief", "not brief", "at the start", "cut at its longest"],
)
def test_a_clip_shows_the_surroundings_of_its_event(
    onset_s: float, lasts_s: float, start_s: float, stop_s: float
) -> None:
    event = TruthEvent(EpisodeKind.CRAMP, "cramp", onset_s, onset_s + lasts_s, (0,), 30.0, 20.0)
    (clip,) = run_case(_Case(event), clips=1).clips
    assert clip.is_miss
    assert (clip.start_s, clip.stop_s) == (start_s, stop_s)
