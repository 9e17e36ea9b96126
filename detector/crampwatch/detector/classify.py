"""What an episode most likely is, and why: interpretable evidence in log odds, and reasons a wearer can read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crampwatch.detector.config import DetectorConfig
from crampwatch.detector.evidence import Evidence
from crampwatch.detector.series import Beat, is_heart
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Verdict", "classify", "provisional", "regular"]

_SLOW_HZ = 48.0  # a cold foot's muscle still has a mean frequency above 55 Hz here
_MOTION_ONLY = 20.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, how sure it is (0 to 1), and why."""

    kind: EpisodeKind
    confidence: float
    reasons: tuple[str, ...]


def classify(evidence: Evidence, config: DetectorConfig, *, ended: bool, was_cramp: bool, scale_known: bool) -> Verdict:
    """Decide on what is known so far; `ended` when the episode is over."""
    unit = () if scale_known else ("The scale of this recording is unknown: judged relative to its own resting level.",)
    verdict = (
        _nuisance(evidence, ended=ended)
        or _brief(evidence, config, ended=ended)
        or _sustained(evidence, config, was_cramp=was_cramp, scale_known=scale_known)
    )
    return Verdict(verdict.kind, verdict.confidence, verdict.reasons + unit)


def provisional(age_s: float, config: DetectorConfig) -> Verdict:
    """Say what a young episode would be if it ended now."""
    kind = EpisodeKind.TWITCH if age_s < config.twitch_s else EpisodeKind.LEG_MOVEMENT
    return Verdict(kind, 0.5, (f"It has lasted {age_s:.1f} s so far.", "Too early to tell."))


def regular(beats: Sequence[Beat]) -> Verdict:
    """Judge brief events that were found to come back regularly."""
    pace = (len(beats) - 1) / (beats[-1].onset_s - beats[0].onset_s)
    if is_heart(beats):
        reason = f"The same brief wave comes {60.0 * pace:.0f} times a minute: the heart, heard by the electrode."
        return Verdict(EpisodeKind.ARTEFACT, 0.85, (reason,))
    return Verdict(EpisodeKind.RHYTHMIC, 0.8, (f"Like bursts come back evenly, {pace:.1f} times a second.",))


def _nuisance(evidence: Evidence, *, ended: bool) -> Verdict | None:
    """Recognise what no muscle does. A muscle's power at the mains lines is a tenth of the whole."""
    if evidence.mains_ratio > 3.0 or (evidence.age_s < 1.5 and evidence.mains_step > 1.0 and ended):
        return Verdict(EpisodeKind.ARTEFACT, 0.8, ("The change is at the mains frequency and its harmonics.",))
    slow = evidence.mean_hz < _SLOW_HZ and evidence.motion_ratio > 0.4
    if slow or evidence.motion_ratio > _MOTION_ONLY:
        return Verdict(
            EpisodeKind.ARTEFACT, 0.75, ("Most of it is slower than muscle: the electrode or its cable moved.",)
        )
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


def _sustained(evidence: Evidence, config: DetectorConfig, *, was_cramp: bool, scale_known: bool) -> Verdict:
    score, reasons = _cramp_score(evidence, config, scale_known)
    probability = 1.0 / (1.0 + math.exp(-score))
    if score > (config.revoke_score if was_cramp else config.confirm_score):
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
    if evidence.onset.rise_s < 0.4:
        return -1.0, "It began at full strength at once, as a movement does."
    return min(1.5, evidence.onset.rise_s), f"It built up over {evidence.onset.rise_s:.1f} s."


def _motion_argument(evidence: Evidence) -> tuple[float, str]:
    if evidence.onset.motion_ratio > 1.0:
        return -min(3.0, evidence.onset.motion_ratio), "The electrode moved as it began."
    return 0.5, "The foot lay still."
