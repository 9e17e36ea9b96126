"""Fit the weights of `crampwatch.detector.cramp_odds` on simulated contractions, and try them on the other generator.

Two generators that share no code are used: the simulated foot (`crampwatch.firmware_sim`, scenario `exam`) and the one
the tests have (`tests/muscle_generator.py`). Each contraction of 2.4 s and more gives one example in each span of ages.
The fit is logistic regression with a small ridge, every weight but the constants held at zero or above: no measure may
argue against what physiology says of it. Run from the top of the tree:

    python benchmarks/fit_cramp_odds.py [--nights 12] [--scenes 12]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from crampwatch.detector import tracker
from crampwatch.detector.classify import Verdict, classify
from crampwatch.detector.config import DetectorConfig
from crampwatch.detector.cramp_odds import MULTI, ONE, TERMS, cramp_terms
from crampwatch.detector.evidence import Evidence
from crampwatch.detector.pipeline import Detector
from crampwatch.detector.scoring import Happened
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from detector_recordings import stream
from muscle_generator import busy_scene

Array = NDArray[np.float64]

NAMES = (ONE, MULTI, *(name for names in TERMS.values() for name in names))
AGES_S = (2.2, 2.8, 3.4, 4.2, 5.5, 7.0, 9.0, 12.0, 16.0, 22.0, 32.0, 50.0)
RIDGE = 0.002
BLOCK_S = 0.5


@dataclass(frozen=True)
class Example:
    """What was known of a contraction at some age, and whether it was a cramp."""

    episode: tuple[str, float]
    span: int
    terms: tuple[float, ...]
    is_cramp: bool


def nights(count: int) -> Iterator[tuple[str, StreamDescription, Array, Sequence[Happened]]]:
    """Yield simulated half hours of the tuning seeds, every fourth with a single channel."""
    for seed in range(300, 300 + count):
        source = scenario("exam", seed=seed, hours=0.5, channels=1 if seed % 4 == 0 else 2)
        emg = source.read(0, source.duration_samples or 0)
        yield f"exam {seed}", source.stream, emg, source.truth


def scenes(count: int) -> Iterator[tuple[str, StreamDescription, Array, Sequence[Happened]]]:
    """Yield half hours of the other generator, of several rates and channels."""
    for seed in range(300, 300 + count):
        rate_hz, channels = (250.0, 500.0, 1000.0)[seed % 3], (1, 2, 2, 3)[seed % 4]
        scene = busy_scene(seed, rate_hz=rate_hz, channels=channels, duration_s=1800.0)
        yield f"scene {seed}", stream(rate_hz, channels, 0.1), scene.emg, scene.events


def examples(name: str, description: StreamDescription, emg: Array, events: Sequence[Happened]) -> list[Example]:
    """Run the detector and keep what it knew at each age of each contraction."""
    seen: dict[tuple[float, int], Evidence] = {}
    now_s = 0.0

    def watched(
        evidence: Evidence, config: DetectorConfig, *, ended: bool, was_cramp: bool, scale_known: bool
    ) -> Verdict:
        verdict = classify(evidence, config, ended=ended, was_cramp=was_cramp, scale_known=scale_known)
        if not ended and evidence.age_s >= AGES_S[0] and verdict.kind is not EpisodeKind.ARTEFACT:
            seen[round(now_s - evidence.age_s), int(np.searchsorted(AGES_S, evidence.age_s))] = evidence
        return verdict

    detector, step = Detector(description), round(BLOCK_S * description.rate_hz)
    with patch.object(tracker, "classify", watched):
        for first in range(0, len(emg), step):
            now_s = first / description.rate_hz
            detector.push(first, emg[first : first + step])
    return [
        Example((name, onset_s), span, tuple(_values(evidence)), cover > 0.6)
        for (onset_s, span), evidence in seen.items()
        if not 0.3 < (cover := _cramp_cover(onset_s, evidence.age_s, events)) <= 0.6
    ]


def fit(chosen: Sequence[Example]) -> Array:
    """Return the weights; each contraction counts by the root of its examples."""
    terms, cramp = np.array([one.terms for one in chosen]), np.array([one.is_cramp for one in chosen])
    _, place, counts = np.unique([str(one.episode) for one in chosen], return_inverse=True, return_counts=True)
    share = counts[place] ** -0.5
    share /= share.sum()
    ridge = RIDGE * terms.var(axis=0) * np.array([name not in (ONE, MULTI) for name in NAMES])

    def loss(weights: Array) -> tuple[float, Array]:
        odds = terms @ weights
        surprise = np.logaddexp(0.0, np.where(cramp, -odds, odds))
        slope = (share * (1.0 / (1.0 + np.exp(-odds)) - cramp)) @ terms
        return float(share @ surprise + ridge @ weights**2), slope + 2.0 * ridge * weights

    bounds = [(None if name in (ONE, MULTI) else 0.0, None) for name in NAMES]
    found = minimize(loss, np.zeros(len(NAMES)), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x)


def area(weights: Array, chosen: Sequence[Example]) -> float:
    """Return the area under the ROC curve: how often a cramp is put before something else."""
    ranks = rankdata(np.array([one.terms for one in chosen]) @ weights)
    cramp = np.array([one.is_cramp for one in chosen])
    hits = int(cramp.sum())
    return float((ranks[cramp].sum() - hits * (hits + 1) / 2) / (hits * (len(cramp) - hits)))


def main() -> None:
    """Fit on each generator and on both, and tell the weights and how well they do on each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--scenes", type=int, default=12)
    arguments = parser.parse_args()
    parts = {
        "simulated foot": [one for part in nights(arguments.nights) for one in examples(*part)],
        "tests' generator": [one for part in scenes(arguments.scenes) for one in examples(*part)],
    }
    both = [one for part in parts.values() for one in part]
    for name, chosen in (*parts.items(), ("both", both)):
        weights = fit(chosen)
        tried = ", ".join(f"{area(weights, other):.3f} on the {where}" for where, other in parts.items())
        print(f"fitted on {name} ({len(chosen)} examples): area under the ROC curve {tried}")
    for name, weight in zip(NAMES, weights, strict=True):
        print(f'    "{name}": {weight:.2f},')


def _values(evidence: Evidence) -> Iterator[float]:
    terms = cramp_terms(evidence)
    return (terms.get(name, 0.0) for name in NAMES)


def _cramp_cover(onset_s: float, age_s: float, events: Sequence[Happened]) -> float:
    spans = [
        min(event.offset_s, onset_s + age_s) - max(event.onset_s, onset_s)
        for event in events
        if event.kind is EpisodeKind.CRAMP
    ]
    return max(0.0, max(spans, default=0.0)) / age_s


if __name__ == "__main__":
    main()
