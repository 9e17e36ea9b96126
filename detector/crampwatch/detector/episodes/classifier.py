"""What an episode most likely is, and why: interpretable evidence in log odds, and reasons a wearer can read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crampwatch.detector.episodes.bursts import Beat, is_heart
from crampwatch.detector.episodes.calibration_term import own_effort
from crampwatch.detector.episodes.cramp_model import TERMS, Argument, cramp_arguments
from crampwatch.detector.episodes.features import Evidence
from crampwatch.detector.episodes.final_model import final_odds
from crampwatch.detector.episodes.rhythm import LEAST_DEPTH
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["Verdict", "classify", "conclude", "provisional", "regular"]

_SLOW_HZ = 48.0  # a cold foot's muscle still has a mean frequency above 55 Hz here
_MOTION_ONLY = 20.0
_BARELY_DB = 5.0
_TOO_WEAK = -3.0
_LIKELY_RHYTHM = (0.4, LEAST_DEPTH)  # strength and depth from which what is no cramp is a rhythm
_CLEAR_RHYTHM = (0.7, 0.85)  # from which nothing else is asked: a cramp flutters, but does not rest in between
_FASTEST_TREMOR_HZ = 7.5  # above it a few units that fire regularly look alike
_FEWEST_CYCLES = 3.5
_SUSTAINED = (EpisodeKind.CRAMP, EpisodeKind.MOVEMENT, EpisodeKind.LEG_MOVEMENT)
_OLD_CRAMP_S = 12.0  # by then the others of a turn in bed would have joined in


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at an episode says.

    Attributes:
        kind: What it most likely is.
        confidence: How sure that is, 0 to 1.
        reasons: Why, the weightiest first.
        odds: Log odds for a cramp, without those of the own effort, which spares the wearer alarms and has no part in
            the last word: weak cramps are cramps. NaN where it was not weighed.
    """

    kind: EpisodeKind
    confidence: float
    reasons: tuple[Reason, ...]
    odds: float = math.nan


def classify(evidence: Evidence, config: DetectorConfig, *, ended: bool, was_cramp: bool, scale_known: bool) -> Verdict:
    """Decide on what is known so far; `ended` when the episode is over."""
    unit = () if scale_known else (Reason(code=ReasonCode.SCALE_UNKNOWN),)
    verdict = None if was_cramp and evidence.age_s > _OLD_CRAMP_S else _no_cramp(evidence, config, ended=ended)
    if verdict and ended:  # as of the many twitches: nobody asks for the odds any more
        return replace(verdict, reasons=verdict.reasons + unit)
    odds, reasons = _cramp_score(evidence, config, was_cramp=was_cramp, scale_known=scale_known)
    verdict = verdict or _sustained(evidence, config, odds, reasons, ended=ended, was_cramp=was_cramp)
    own = sum(argument.weight for argument in own_effort(evidence, was_cramp=was_cramp))
    return replace(verdict, reasons=verdict.reasons + unit, odds=odds - own)


def conclude(
    verdict: Verdict, config: DetectorConfig, *, mean_odds: float, lasted_s: float, release_s: float
) -> Verdict:
    """Have the last word on an episode that is over, where it was a sustained contraction.

    Args:
        verdict: What the last look at it says.
        config: Thresholds.
        mean_odds: Log odds for a cramp, the mean of all looks at it.
        lasted_s: Its length.
        release_s: See :func:`crampwatch.detector.episodes.release_time.release_s`.
    """
    if verdict.kind not in _SUSTAINED or lasted_s < config.least_cramp_s:
        return verdict
    odds, let_go = final_odds(mean_odds, lasted_s=lasted_s, release_s=release_s)
    probability = 1.0 / (1.0 + math.exp(-odds))
    if odds > config.final_score:
        return Verdict(EpisodeKind.CRAMP, probability, (*let_go, *verdict.reasons), odds)
    kind = EpisodeKind.MOVEMENT if verdict.kind is EpisodeKind.CRAMP else verdict.kind
    return Verdict(kind, 1.0 - probability, (*let_go, *verdict.reasons), odds)


def provisional(age_s: float, config: DetectorConfig) -> Verdict:
    """Say what a young episode would be if it ended now."""
    kind = EpisodeKind.TWITCH if age_s < config.twitch_s else EpisodeKind.LEG_MOVEMENT
    return Verdict(kind, 0.5, (Reason(code=ReasonCode.LASTS, number=age_s), Reason(code=ReasonCode.TOO_EARLY)))


def regular(beats: Sequence[Beat]) -> Verdict:
    """Judge brief events that were found to come back regularly."""
    pace = (len(beats) - 1) / (beats[-1].onset_s - beats[0].onset_s)
    if is_heart(beats):
        return Verdict(EpisodeKind.ARTEFACT, 0.85, (Reason(code=ReasonCode.HEART, number=60.0 * pace),))
    return Verdict(EpisodeKind.RHYTHMIC, 0.8, (Reason(code=ReasonCode.EVEN_BURSTS, number=pace),))


def _no_cramp(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Verdict | None:
    """Recognise what is none whatever else speaks for it. Not asked of an old cramp: the wearer may rub the foot."""
    return (
        _nuisance(evidence, ended=ended)
        or _twitch(evidence, config, ended=ended)
        or _clearly_rhythmic(evidence, ended=ended)
        or _movement_so_far(evidence, config, ended=ended)
    )


def _nuisance(evidence: Evidence, *, ended: bool) -> Verdict | None:
    """Recognise what no muscle does. A muscle's power at the mains lines is a tenth of the whole."""
    if evidence.mains_ratio > 3.0 or (evidence.age_s < 1.5 and evidence.mains_step > 1.0 and ended):
        return Verdict(EpisodeKind.ARTEFACT, 0.8, (Reason(code=ReasonCode.MAINS),))
    slow = evidence.mean_hz < _SLOW_HZ and evidence.motion_ratio > 0.4
    if slow or evidence.motion_ratio > _MOTION_ONLY:
        return Verdict(EpisodeKind.ARTEFACT, 0.75, (Reason(code=ReasonCode.LOOSE),))
    return None


def _twitch(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Verdict | None:
    if evidence.age_s >= config.twitch_s:
        return None
    return Verdict(EpisodeKind.TWITCH, 0.8, (_lasts(evidence, ended=ended), Reason(code=ReasonCode.BRIEF)))


def _movement_so_far(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Verdict | None:
    if evidence.age_s >= (config.least_cramp_s if ended else config.confirm_s):
        return None
    if rhythmic := _rhythmic(evidence, _LIKELY_RHYTHM, ended=ended):
        return rhythmic
    reasons = (_lasts(evidence, ended=ended), Reason(code=ReasonCode.TOO_SHORT))
    return Verdict(EpisodeKind.LEG_MOVEMENT, 0.7, reasons)


def _clearly_rhythmic(evidence: Evidence, *, ended: bool) -> Verdict | None:
    if evidence.rhythm.hz > _FASTEST_TREMOR_HZ:
        return None
    return _rhythmic(evidence, _CLEAR_RHYTHM, ended=ended)


def _rhythmic(evidence: Evidence, least: tuple[float, float], *, ended: bool) -> Verdict | None:
    rhythm = evidence.rhythm
    cycles = evidence.age_s * (rhythm.hz if math.isfinite(rhythm.hz) else 0.0)
    if rhythm.hz > _FASTEST_TREMOR_HZ:
        least = _CLEAR_RHYTHM
    if cycles < _FEWEST_CYCLES or rhythm.strength <= least[0] or rhythm.depth <= least[1]:
        return None
    rate = Reason(code=ReasonCode.COMES_AND_GOES, number=rhythm.hz)
    return Verdict(EpisodeKind.RHYTHMIC, 0.75, (rate, _lasts(evidence, ended=ended)))


def _lasts(evidence: Evidence, *, ended: bool) -> Reason:
    return Reason(code=ReasonCode.LASTED if ended else ReasonCode.LASTS, number=evidence.age_s)


def _sustained(
    evidence: Evidence,
    config: DetectorConfig,
    odds: float,
    reasons: tuple[Reason, ...],
    *,
    ended: bool,
    was_cramp: bool,
) -> Verdict:
    probability = 1.0 / (1.0 + math.exp(-odds))
    if odds > _least_score(evidence, config, was_cramp=was_cramp):
        return Verdict(EpisodeKind.CRAMP, probability, reasons)
    if rhythmic := _rhythmic(evidence, _LIKELY_RHYTHM, ended=ended):
        return rhythmic
    kind = EpisodeKind.MOVEMENT if evidence.age_s > 10.0 or evidence.motion_ratio > 2.0 else EpisodeKind.LEG_MOVEMENT
    return Verdict(kind, 1.0 - probability, reasons)


def _least_score(evidence: Evidence, config: DetectorConfig, *, was_cramp: bool) -> float:
    if not was_cramp:
        return config.confirm_score
    return config.revoke_score if evidence.age_s < _OLD_CRAMP_S else config.revoke_old_score


def _cramp_score(
    evidence: Evidence, config: DetectorConfig, *, was_cramp: bool, scale_known: bool
) -> tuple[float, tuple[Reason, ...]]:
    """Return log odds for an involuntary contraction, and the arguments, the weightiest first."""
    score, arguments = cramp_arguments(evidence)
    arguments = (
        *arguments,
        *_weakness(evidence, config, scale_known=scale_known),
        *own_effort(evidence, was_cramp=was_cramp),
    )
    score += sum(one.weight for one in arguments[len(TERMS) :])
    return score, tuple(one.reason for one in sorted(arguments, key=lambda one: -abs(one.weight)))


def _weakness(evidence: Evidence, config: DetectorConfig, *, scale_known: bool) -> tuple[Argument, ...]:
    if scale_known and evidence.rms_uv < config.least_cramp_uv:
        return (Argument(_TOO_WEAK, Reason(code=ReasonCode.WEAK, number=evidence.rms_uv)),)
    if evidence.snr_db < _BARELY_DB:
        return (Argument(_TOO_WEAK, Reason(code=ReasonCode.FAINT)),)
    return ()
