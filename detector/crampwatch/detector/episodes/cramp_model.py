"""How much speaks for a cramp: an additive model in log odds, each term a saturating measure with a meaning.

The log odds are the sum of weight times term. Fifteen terms are grouped into five arguments, which are the reasons that
a wearer reads (docs/detection.md has their sources):

- *others*: a cramp stays in one muscle or a part of it, so the other channels are quiet, at its onset and since;
- *stillness*: who moves a foot moves its electrodes, which shows as slow waves at the onset;
- *build-up*: a cramp gathers over 1 to 5 s, a movement is there at once and fades;
- *discharge*: many units that fire irregularly and have a common drive near 1.4 Hz, neither single units (spiky) nor
  the noise of an electrode (steadier than a muscle can be);
- *hold*: a cramp does not rest in between.

Each term is scaled to a few units, limited at both ends so that no outlier decides, relative to rest or to the
contraction itself so that it means the same on any electrode, and has a middling value where its measure is unknown.
Its sign is that of physiology: more of it speaks for a cramp. The fit holds the weights at zero or above, so no term
can argue against what is known of cramps, whatever the simulated data suggest.

The weights were fitted by `benchmarks/fit_cramp_odds.py` on generators that share no code.
"""

import math
from dataclasses import dataclass

from crampwatch.detector.episodes.evidence import Evidence
from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["MULTI", "ONE", "TERMS", "WEIGHTS", "Argument", "cramp_arguments", "cramp_terms"]

ONE, MULTI = "one", "multi"
"""Names of the two constant terms: always present, and present where there is another channel to compare with."""

TERMS: dict[str, tuple[str, ...]] = {
    "others": ("quiet_others", "quiet_others_at_onset", "others_at_rest", "others_at_rest_at_onset"),
    "stillness": ("still_at_onset", "no_jolt"),
    "build_up": ("rise", "weak_start", "trend"),
    "discharge": ("unsteadiness", "many_units", "no_noise"),
    "hold": ("age", "no_sag", "no_rest"),
}
"""The terms that make up each argument."""

WEIGHTS: dict[str, float] = {
    "one": -2.75,
    "multi": -0.47,
    "quiet_others": 0.33,
    "quiet_others_at_onset": 0.23,
    "others_at_rest": 0.88,
    "still_at_onset": 0.06,
    "others_at_rest_at_onset": 0.84,
    "no_jolt": 1.05,
    "rise": 0.46,
    "weak_start": 1.35,
    "unsteadiness": 1.33,
    "trend": 1.86,
    "age": 0.49,
    "many_units": 1.44,
    "no_sag": 1.43,
    "no_noise": 5.7,
    "no_rest": 2.8,
}
"""Log odds per unit of a term."""

_NEUTRAL: dict[str, float] = {"others": -0.75, "stillness": -0.56, "build_up": 2.25, "discharge": 0.18, "hold": -0.53}
"""The mean of each argument over an even mix of cramps and look-alikes: above it an argument speaks for a cramp."""

_CROSSTALK = 0.2  # share of its amplitude that electrodes a few centimetres away pick up of a muscle
_MUSCLE_LEAK = -2.0  # decades: a potential of 10 ms has about a hundredth of its power below 12 Hz
_SPIKY = 1.25  # logarithm of 3.5: single units stand apart; 3 is the kurtosis of many at once
_LEAST_WAVERING = 0.28
"""The power of 0.1 s of noise 100 Hz wide, a muscle's band, wavers by sqrt(1 / 10), that of an electrode's noise, up to
350 Hz, by 0.2: what is steadier than a muscle can be is a contact that got worse."""
_NOISE_WAVERING = 0.24  # below it the reason given is the noise: halfway between the two
_REST, _GATHERED_S = 0.2, 4.0  # it sputters as it begins; from then on a cramp never rests, the beats of a tremor do


@dataclass(frozen=True, slots=True)
class Argument:
    """A group of terms, as one reason with its weight in log odds; positive for a cramp."""

    weight: float
    reason: Reason


def cramp_terms(evidence: Evidence) -> dict[str, float]:
    """Return every term; one that is unknown has a middling value, those of other channels are left out without any."""
    onset = evidence.onset
    return {
        ONE: 1.0,
        **_terms_of_others(evidence),
        "still_at_onset": -_limit_known(_to_decades(onset.motion_ratio), -2.5, 1.0, -1.0),
        "no_jolt": -_limit_known(onset.motion_jump_db, 0.0, 30.0, 8.0) / 10.0 * _beyond_leak(onset.motion_ratio),
        "rise": _limit_known(math.log(onset.rise_s + 0.15), -1.9, 1.2, -1.0),
        "weak_start": -_limit_known(2.0 * _to_decades(onset.early), -1.5, 0.0, -0.3),
        "trend": _limit_known(evidence.trend, 0.4, 1.2, 0.9),
        "unsteadiness": _limit_known(evidence.unsteadiness, -0.5, 1.2, 0.1),
        "many_units": _SPIKY - _limit_known(math.log(max(evidence.kurtosis, 1e-3)), _SPIKY, 2.1, _SPIKY),
        "no_noise": _limit_known(math.log(max(evidence.wavering, 0.1) / _LEAST_WAVERING), -1.0, 0.0, 0.0),
        "age": math.log(min(evidence.age_s, 60.0) / 5.0),
        "no_sag": _limit_known(2.0 * _to_decades(evidence.sag), -1.2, 0.0, -0.4),
        "no_rest": -1.0 if evidence.sag < _REST and evidence.age_s >= _GATHERED_S else 0.0,
    }


def cramp_arguments(evidence: Evidence) -> tuple[float, tuple[Argument, ...]]:
    """Return the log odds for a cramp, and the arguments they come from, in the order of `TERMS`."""
    terms = cramp_terms(evidence)
    share = {name: weight * terms.get(name, 0.0) for name, weight in WEIGHTS.items()}
    weights = {group: sum(share[name] for name in names) for group, names in TERMS.items()}
    weights["others"] += share[MULTI]
    reasons = _reasons_for_and_against(evidence)
    unknown = [group for group, pair in reasons.items() if pair[0] == pair[1]]
    arguments = []
    for group, total in weights.items():
        weight = 0.0 if group in unknown else total - _NEUTRAL[group]
        arguments.append(Argument(weight, reasons[group][0 if weight > 0 else 1]))
    return sum(share.values()), tuple(arguments)


def _reasons_for_and_against(evidence: Evidence) -> dict[str, tuple[Reason, Reason]]:
    """Return the reason of each argument if it speaks for a cramp, and if against; the same where it is unknown."""
    age_s, rise_s = evidence.age_s, evidence.onset.rise_s
    alone, unseen = Reason(code=ReasonCode.ONE_CHANNEL), Reason(code=ReasonCode.BEGINNING_UNSEEN)
    even = ReasonCode.LIKE_NOISE if evidence.wavering < _NOISE_WAVERING else ReasonCode.EVEN
    others = (Reason(code=ReasonCode.OTHERS_QUIET), Reason(code=ReasonCode.OTHERS_ALONG))
    build_up = (Reason(code=ReasonCode.BUILT_UP, number=rise_s), Reason(code=ReasonCode.AT_ONCE))
    return {
        "others": (alone, alone) if math.isnan(evidence.spread) else others,
        "stillness": (Reason(code=ReasonCode.STILL), Reason(code=ReasonCode.MOVED)),
        "build_up": (unseen, unseen) if math.isnan(rise_s) else build_up,
        "discharge": (Reason(code=ReasonCode.FLUTTERS), Reason(code=even)),
        "hold": (Reason(code=ReasonCode.HELD, number=age_s), Reason(code=ReasonCode.LET_GO, number=age_s)),
    }


def _terms_of_others(evidence: Evidence) -> dict[str, float]:
    """Return the terms of the other channels, at the onset and since; none where there is no other channel."""
    onset = evidence.onset
    if math.isnan(evidence.spread):
        return {}
    return {
        MULTI: 1.0,
        "quiet_others": -_limit_known(_to_decibel(evidence.spread), -26.0, 0.0, 0.0) / 10.0,
        "quiet_others_at_onset": -_limit_known(_to_decibel(onset.spread), -26.0, 0.0, 0.0) / 10.0,
        "others_at_rest": -_beyond_crosstalk_db(evidence.spread, evidence.other_db) / 10.0,
        "others_at_rest_at_onset": -_beyond_crosstalk_db(onset.spread, onset.other_db) / 10.0,
    }


def _beyond_crosstalk_db(spread: float, other_db: float) -> float:
    """Return the other channel's power over its floor, without what may be crosstalk of a strong muscle beside it."""
    own = max(0.0, 1.0 - (_CROSSTALK / max(spread, 1e-6)) ** 2)
    return _limit_known(10.0 * math.log10(own * 10.0 ** (min(other_db, 90.0) / 10.0) + 0.5), -3.0, 20.0, 0.0)


def _beyond_leak(motion_ratio: float) -> float:
    """Return 0 where slow waves are no more than the slow part of muscle activity itself, 1 where they are far more."""
    return min(max(_to_decades(motion_ratio) - _MUSCLE_LEAK, 0.0), 1.0)


def _limit_known(value: float, low: float, high: float, unknown: float) -> float:
    """Return a value limited to a range, or `unknown` in place of NaN."""
    return min(max(value, low), high) if math.isfinite(value) else unknown


def _to_decibel(amplitude: float) -> float:
    """Return an amplitude ratio in dB."""
    return 20.0 * _to_decades(amplitude)


def _to_decades(ratio: float) -> float:
    return math.log10(max(ratio, 1e-6))
