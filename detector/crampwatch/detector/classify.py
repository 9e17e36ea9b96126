"""What an episode most likely is, and why: interpretable evidence in log odds, and reasons a wearer can read."""

import math
from dataclasses import dataclass

from crampwatch.detector.config import DetectorConfig
from crampwatch.detector.evidence import Evidence
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Verdict", "classify"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, how sure it is (0 to 1), and why."""

    kind: EpisodeKind
    confidence: float
    reasons: tuple[str, ...]


def classify(evidence: Evidence, config: DetectorConfig, *, ended: bool, scale_known: bool) -> Verdict:
    """Decide on what is known so far; `ended` when the episode is over."""
    unit = () if scale_known else ("The scale of this recording is unknown: judged relative to its own resting level.",)
    verdict = _nuisance(evidence) or _brief(evidence, config, ended=ended) or _sustained(evidence, config, scale_known)
    return Verdict(verdict.kind, verdict.confidence, verdict.reasons + unit)


def _nuisance(evidence: Evidence) -> Verdict | None:
    if evidence.mains_ratio > 3.0:
        return Verdict(EpisodeKind.ARTEFACT, 0.8, ("The change is at the mains frequency and its harmonics.",))
    if evidence.motion_ratio > 60.0 and evidence.age_s < 3.0:
        return Verdict(EpisodeKind.ARTEFACT, 0.7, ("Almost all of it is slower than muscle: the electrode moved.",))
    return None


def _brief(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Verdict | None:
    age = evidence.age_s
    lasts = f"It lasted {age:.1f} s." if ended else f"It has lasted {age:.1f} s so far."
    if age < config.twitch_s:
        return Verdict(EpisodeKind.TWITCH, 0.8, (lasts, "So brief a burst is a twitch or jerk."))
    if _is_rhythmic(evidence):
        rate = f"It comes and goes {evidence.rhythm.hz:.1f} times a second and rests in between."
        return Verdict(EpisodeKind.RHYTHMIC, 0.75, (rate, lasts))
    if age < config.confirm_s or (ended and age < config.least_cramp_s):
        return Verdict(EpisodeKind.LEG_MOVEMENT, 0.7, (lasts, "Too short for a cramp, as long as a leg movement."))
    return None


def _is_rhythmic(evidence: Evidence) -> bool:
    rhythm = evidence.rhythm
    cycles = evidence.age_s * (rhythm.hz if math.isfinite(rhythm.hz) else 0.0)
    return cycles >= 3.5 and rhythm.strength > 0.4 and rhythm.depth > 0.6


def _sustained(evidence: Evidence, config: DetectorConfig, scale_known: bool) -> Verdict:
    score, reasons = _cramp_score(evidence, config, scale_known)
    probability = 1.0 / (1.0 + math.exp(-score))
    if score > config.confirm_score:
        return Verdict(EpisodeKind.CRAMP, probability, reasons)
    kind = EpisodeKind.MOVEMENT if evidence.age_s > 10.0 or evidence.motion_ratio > 2.0 else EpisodeKind.LEG_MOVEMENT
    return Verdict(kind, 1.0 - probability, reasons)


def _cramp_score(evidence: Evidence, config: DetectorConfig, scale_known: bool) -> tuple[float, tuple[str, ...]]:
    """Return log odds for an involuntary contraction, and the strongest arguments for either side."""
    arguments = [
        (0.5, f"A contraction has held for {evidence.age_s:.0f} s without pause."),
        _spread_argument(evidence),
        _rise_argument(evidence),
        _motion_argument(evidence),
    ]
    if scale_known and evidence.rms_uv < config.least_cramp_uv:
        arguments.append((-3.0, f"At {evidence.rms_uv:.1f} uV it is weaker than cramps are."))
    if evidence.snr_db < 5.0:
        arguments.append((-2.0, "It hardly stands out from rest."))
    score = sum(weight for weight, _ in arguments)
    told = sorted((item for item in arguments if item[1]), key=lambda item: -abs(item[0]))
    return score, tuple(text for _, text in told)


def _spread_argument(evidence: Evidence) -> tuple[float, str]:
    if math.isnan(evidence.spread):
        return 0.0, "With one channel one cannot see whether other muscles join in."
    weight = 2.0 * (1.0 - min(evidence.spread / 0.3, 2.0))
    text = "The neighbouring muscle stays quiet." if weight > 0 else "Other muscles work along, as in a movement."
    return weight, text


def _rise_argument(evidence: Evidence) -> tuple[float, str]:
    if evidence.rise_s < 0.4:
        return -1.0, "It began at full strength at once, as a movement does."
    return min(1.5, evidence.rise_s), f"It built up over {evidence.rise_s:.1f} s."


def _motion_argument(evidence: Evidence) -> tuple[float, str]:
    if evidence.motion_onset_ratio > 1.0:
        return -min(3.0, evidence.motion_onset_ratio), "The electrode moved as it began."
    return 0.5, "The foot lay still."
