"""Fit the weights of `cramp_model` and `final_model` on simulated contractions, and try them on the other generator.

Two generators that share no code are used: the simulated foot (`crampwatch.firmware_sim`, scenario `exam`) and the one
the tests have (`tests/signals/muscle_generator.py`). Each contraction of 2.4 s and more gives one example in each span
of ages.
The fit is logistic regression with a small ridge, every weight but the constants held at zero or above: no measure may
argue against its physiology. The final classification (`final_model`) is fitted on contractions that were over, with
the present weights of the detector. Run from the top of the tree:

    python benchmarks/fit_cramp_odds.py [--nights 12] [--scenes 12]
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from crampwatch.detector.episodes import tracker
from crampwatch.detector.episodes.classifier import Classification, classify, conclude
from crampwatch.detector.episodes.cramp_model import MULTI, ONE, TERMS, cramp_terms
from crampwatch.detector.episodes.evidence import Evidence
from crampwatch.detector.episodes.final_model import FINAL_TERMS, final_terms
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.detector.scoring.matching import Interval
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from signals.detector_recordings import stream
from signals.muscle_generator import busy_scene

Array = NDArray[np.float64]

NAMES = (ONE, MULTI, *(name for names in TERMS.values() for name in names))
AGES_S = (2.2, 2.8, 3.4, 4.2, 5.5, 7.0, 9.0, 12.0, 16.0, 22.0, 32.0, 50.0)
RIDGE = 0.002
BLOCK_S = 0.5


@dataclass(frozen=True)
class Example:
    """The evidence about a contraction at some age, and whether it was a cramp."""

    episode: tuple[str, float]
    span: int
    terms: tuple[float, ...]
    is_cramp: bool


def nights(count: int) -> Iterator[tuple[str, StreamDescription, Array, Sequence[Interval]]]:
    """Yield simulated half hours of the tuning seeds, every fourth with a single channel."""
    for seed in range(300, 300 + count):
        source = scenario("exam", seed=seed, hours=0.5, channels=1 if seed % 4 == 0 else 2)
        emg = source.read(0, source.duration_samples or 0)
        yield f"exam {seed}", source.stream, emg, source.truth


def scenes(count: int) -> Iterator[tuple[str, StreamDescription, Array, Sequence[Interval]]]:
    """Yield half hours of the tests' generator, with several rates and numbers of channels."""
    for seed in range(300, 300 + count):
        rate_hz, channels = (250.0, 500.0, 1000.0)[seed % 3], (1, 2, 2, 3)[seed % 4]
        scene = busy_scene(seed, rate_hz=rate_hz, channels=channels, duration_s=1800.0)
        yield f"scene {seed}", stream(rate_hz, channels, 0.1), scene.emg, scene.events


def collect_examples(
    name: str, description: StreamDescription, emg: Array, events: Sequence[Interval]
) -> tuple[list[Example], list[Example]]:
    """Run the detector; return examples of each contraction at several ages, and when it was over."""
    watch, detector, step = Watch(), Pipeline(description), round(BLOCK_S * description.rate_hz)
    with patch.object(tracker, "classify", watch.classify), patch.object(tracker, "conclude", watch.conclude):
        for first in range(0, len(emg), step):
            watch.now_s = first / description.rate_hz
            detector.push(first, emg[first : first + step])
    looks = [
        Example((name, onset_s), span, tuple(_term_values(evidence)), cover > 0.6)
        for (onset_s, span), evidence in watch.looks.items()
        if not 0.3 < (cover := _cramp_cover(onset_s, evidence.age_s, events)) <= 0.6
    ]
    ends = [
        Example((name, onset_s), 0, tuple(terms.values()), cover > 0.6)
        for onset_s, lasted_s, terms in watch.ends
        if not 0.3 < (cover := _cramp_cover(onset_s, lasted_s, events)) <= 0.6
    ]
    return looks, ends


@dataclass
class Watch:
    """Records the evidence on which the detector classifies.

    Attributes:
        now_s: Time of the present block.
        looks: Evidence by onset and span of ages.
        ends: Onset, length and terms of contractions that were over.
    """

    now_s: float = 0.0
    looks: dict[tuple[float, int], Evidence] = field(default_factory=dict)
    ends: list[tuple[float, float, dict[str, float]]] = field(default_factory=list)

    def classify(
        self, evidence: Evidence, config: DetectorConfig, *, ended: bool, was_cramp: bool, scale_known: bool
    ) -> Classification:
        """Classify as the detector does, and record the evidence."""
        verdict = classify(evidence, config, ended=ended, was_cramp=was_cramp, scale_known=scale_known)
        if not ended and evidence.age_s >= AGES_S[0] and verdict.kind is not EpisodeKind.ARTEFACT:
            span = int(np.searchsorted(AGES_S, evidence.age_s))
            self.looks[round(self.now_s - evidence.age_s), span] = evidence
        return verdict

    def conclude(
        self, verdict: Classification, config: DetectorConfig, *, mean_odds: float, lasted_s: float, release_s: float
    ) -> Classification:
        """Classify as the detector does, and record the terms."""
        last = conclude(verdict, config, mean_odds=mean_odds, lasted_s=lasted_s, release_s=release_s)
        is_asked = lasted_s >= config.least_cramp_s and verdict.kind not in (EpisodeKind.ARTEFACT, EpisodeKind.RHYTHMIC)
        if is_asked and np.isfinite(release_s):
            terms = final_terms(mean_odds, lasted_s=lasted_s, release_s=release_s)
            self.ends.append((self.now_s - lasted_s, lasted_s, terms))
        return last


def fit_weights(chosen: Sequence[Example], names: Sequence[str]) -> Array:
    """Return the weights; a contraction counts as the square root of the number of its examples."""
    terms, cramp = np.array([one.terms for one in chosen]), np.array([one.is_cramp for one in chosen])
    _, place, counts = np.unique([str(one.episode) for one in chosen], return_inverse=True, return_counts=True)
    share = counts[place] ** -0.5
    share /= share.sum()
    ridge = RIDGE * terms.var(axis=0) * np.array([name not in (ONE, MULTI) for name in names])

    def loss(weights: Array) -> tuple[float, Array]:
        odds = terms @ weights
        surprise = np.logaddexp(0.0, np.where(cramp, -odds, odds))
        slope = (share * (1.0 / (1.0 + np.exp(-odds)) - cramp)) @ terms
        return float(share @ surprise + ridge @ weights**2), slope + 2.0 * ridge * weights

    bounds = [(None if name in (ONE, MULTI) else 0.0, None) for name in names]
    found = minimize(loss, np.zeros(len(names)), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x)


def roc_area(weights: Array, chosen: Sequence[Example]) -> float:
    """Return the area under the ROC curve: how often a cramp ranks above something else."""
    ranks = rankdata(np.array([one.terms for one in chosen]) @ weights)
    cramp = np.array([one.is_cramp for one in chosen])
    hits = int(cramp.sum())
    return float((ranks[cramp].sum() - hits * (hits + 1) / 2) / (hits * (len(cramp) - hits)))


def main() -> None:
    """Fit on each generator and on both; print the weights and their results on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--scenes", type=int, default=12)
    arguments = parser.parse_args()
    parts = {
        "simulated foot": [collect_examples(*part) for part in nights(arguments.nights)],
        "tests' generator": [collect_examples(*part) for part in scenes(arguments.scenes)],
    }
    for title, which, names in (("cramp_model", 0, NAMES), ("final_model", 1, FINAL_TERMS)):
        fit_and_print(
            title, {where: [one for part in some for one in part[which]] for where, some in parts.items()}, names
        )


def fit_and_print(title: str, parts: Mapping[str, Sequence[Example]], names: Sequence[str]) -> None:
    """Fit on each generator and on both, and print the weights of the latter."""
    both = [one for part in parts.values() for one in part]
    for name, chosen in (*parts.items(), ("both", both)):
        weights = fit_weights(chosen, names)
        tried = ", ".join(f"{roc_area(weights, other):.3f} on the {where}" for where, other in parts.items())
        print(f"{title}, fitted on {name} ({len(chosen)} examples): area under the ROC curve {tried}")
    for name, weight in zip(names, weights, strict=True):
        print(f'    "{name}": {weight:.2f},')


def _term_values(evidence: Evidence) -> Iterator[float]:
    terms = cramp_terms(evidence)
    return (terms.get(name, 0.0) for name in NAMES)


def _cramp_cover(onset_s: float, age_s: float, events: Sequence[Interval]) -> float:
    spans = [
        min(event.offset_s, onset_s + age_s) - max(event.onset_s, onset_s)
        for event in events
        if event.kind is EpisodeKind.CRAMP
    ]
    return max(0.0, max(spans, default=0.0)) / age_s


if __name__ == "__main__":
    main()
