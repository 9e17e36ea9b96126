"""What an episode most likely is, and why.

Kinds are decided in this order; the first that applies wins:

1. *artefact*: power at the mains lines or below a muscle's frequencies, which no muscle has;
2. *twitch*: shorter than 0.6 s;
3. *rhythmic*, if it rests clearly between even beats: no cramp does;
4. *leg movement*, as long as it is too short to be called a cramp: younger than 2.4 s, or over before 6 s;
5. *cramp*, if the log odds of `cramp_model` exceed a bar;
6. *rhythmic*, if it comes and goes somewhat;
7. *movement* or *leg movement*, by its length and by how much the electrodes moved.

The bar has hysteresis. It takes more to be called a cramp (log odds 0.4) than to remain one (-2.5, and from 12 s on
-4.6), since an alarm that is withdrawn and raised again is worse than either answer, and since a cramp that fades is
seen by its last units, which look like anything. For the same reason steps 1 to 4 are skipped for a cramp older than
12 s: its wearer may rub the foot.

While an episode goes on this is a best guess. Once it is over, `conclude` decides on all looks together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crampwatch.detector.episodes.bursts import Beat, is_heart
from crampwatch.detector.episodes.calibration_term import own_effort_arguments
from crampwatch.detector.episodes.cramp_model import TERMS, Argument, cramp_arguments
from crampwatch.detector.episodes.evidence import Evidence
from crampwatch.detector.episodes.final_model import final_odds
from crampwatch.detector.episodes.rhythm import LEAST_DEPTH
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["Classification", "classify", "classify_series", "classify_young", "conclude"]

_MAINS_RATIO = 3.0  # change of the power at the mains lines over the EMG plateau: a muscle's own share is a tenth
_MAINS_STEP = 1.0  # enough for what is over within `_SWITCH_S`: a lamp is switched, and the notches ring
_SWITCH_S = 1.5
_SLOW_HZ = 48.0  # a cold foot's muscle still has a mean frequency above 55 Hz here
_SLOW_MOTION_RATIO = 0.4  # what is that slow is an artefact if slow waves come with it
_MOTION_ONLY_RATIO = 20.0  # 13 dB more slow waves than muscle: a cable, whatever else is in it
_BARELY_DB = 5.0  # so close to the floor the measures are those of the noise
_TOO_WEAK = -3.0  # log odds: only the clearest of all other evidence outweighs it
_LIKELY_RHYTHM = (0.4, LEAST_DEPTH)  # strength and depth from which what is no cramp is a rhythm
_CLEAR_RHYTHM = (0.7, 0.85)  # from which nothing else matters: a cramp flutters, but does not rest in between
_FASTEST_TREMOR_HZ = 7.5  # above it a few units that fire regularly look alike
_FEWEST_CYCLES = 3.5  # fewer beats may be a coincidence
_MOVEMENT_S = 10.0  # a leg movement is shorter (AASM: 0.5 to 10 s)
_MOVEMENT_MOTION_RATIO = 2.0  # or the electrodes moved as well, as when turning over in bed
_SUSTAINED = (EpisodeKind.CRAMP, EpisodeKind.MOVEMENT, EpisodeKind.LEG_MOVEMENT)
_OLD_CRAMP_S = 12.0  # by then the other muscles of a turn in bed would have joined in


@dataclass(frozen=True, slots=True)
class Classification:
    """The result of one look at an episode.

    Attributes:
        kind: The most likely kind.
        confidence: Estimated probability that the kind is right, 0 to 1.
        reasons: Evidence for and against, the weightiest first.
        odds: Log odds for a cramp; NaN where they were not computed. Without the own effort: that spares the wearer
            alarms and has no part in the final classification, since weak cramps are cramps.
    """

    kind: EpisodeKind
    confidence: float
    reasons: tuple[Reason, ...]
    odds: float = math.nan


def classify(
    evidence: Evidence, config: DetectorConfig, *, ended: bool, was_cramp: bool, scale_known: bool
) -> Classification:
    """Classify an episode by the evidence so far.

    `ended`: the episode is over. `was_cramp`: its present kind is a cramp. `scale_known`: amplitudes are microvolts;
    otherwise the reasons say that they are relative.
    """
    unit = () if scale_known else (Reason(code=ReasonCode.SCALE_UNKNOWN),)
    result = None if was_cramp and evidence.age_s > _OLD_CRAMP_S else _as_no_cramp(evidence, config, ended=ended)
    if result and ended:  # as of the many twitches: nobody needs the odds any more
        return replace(result, reasons=result.reasons + unit)
    odds, reasons = _cramp_odds(evidence, config, was_cramp=was_cramp, scale_known=scale_known)
    result = result or _as_sustained(evidence, config, odds, reasons, ended=ended, was_cramp=was_cramp)
    own = sum(argument.weight for argument in own_effort_arguments(evidence, was_cramp=was_cramp))
    return replace(result, reasons=result.reasons + unit, odds=odds - own)


def conclude(
    latest: Classification, config: DetectorConfig, *, mean_odds: float, lasted_s: float, release_s: float
) -> Classification:
    """Return the final classification of an episode that is over.

    Only a sustained contraction of at least `least_cramp_s` is decided again; others keep the `latest` result.
    `mean_odds` are the log odds for a cramp, the mean of all looks at it; `release_s` as from
    :func:`crampwatch.detector.episodes.release_time.release_s`.
    """
    if latest.kind not in _SUSTAINED or lasted_s < config.least_cramp_s:
        return latest
    odds, end_reasons = final_odds(mean_odds, lasted_s=lasted_s, release_s=release_s)
    probability, reasons = _probability(odds), (*end_reasons, *latest.reasons)
    if odds > config.final_score:
        return Classification(EpisodeKind.CRAMP, probability, reasons, odds)
    kind = EpisodeKind.MOVEMENT if latest.kind is EpisodeKind.CRAMP else latest.kind
    return Classification(kind, 1.0 - probability, reasons, odds)


def classify_young(age_s: float, config: DetectorConfig) -> Classification:
    """Return what an episode that is too young for evidence would be if it ended now."""
    kind = EpisodeKind.TWITCH if age_s < config.twitch_s else EpisodeKind.LEG_MOVEMENT
    return Classification(kind, 0.5, (Reason(code=ReasonCode.LASTS, number=age_s), Reason(code=ReasonCode.TOO_EARLY)))


def classify_series(beats: Sequence[Beat]) -> Classification:
    """Classify brief events that were found to come back regularly."""
    pace_hz = (len(beats) - 1) / (beats[-1].onset_s - beats[0].onset_s)
    if is_heart(beats):
        return Classification(EpisodeKind.ARTEFACT, 0.85, (Reason(code=ReasonCode.HEART, number=60.0 * pace_hz),))
    return Classification(EpisodeKind.RHYTHMIC, 0.8, (Reason(code=ReasonCode.EVEN_BURSTS, number=pace_hz),))


def _as_no_cramp(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Classification | None:
    """Return what is no cramp whatever else speaks for one; None where that is open."""
    return (
        _as_artefact(evidence, ended=ended)
        or _as_twitch(evidence, config, ended=ended)
        or _as_clear_rhythm(evidence, ended=ended)
        or _as_too_short(evidence, config, ended=ended)
    )


def _as_artefact(evidence: Evidence, *, ended: bool) -> Classification | None:
    is_switch = evidence.age_s < _SWITCH_S and evidence.mains_step > _MAINS_STEP and ended
    if evidence.mains_ratio > _MAINS_RATIO or is_switch:
        return Classification(EpisodeKind.ARTEFACT, 0.8, (Reason(code=ReasonCode.MAINS),))
    is_slow = evidence.mean_hz < _SLOW_HZ and evidence.motion_ratio > _SLOW_MOTION_RATIO
    if is_slow or evidence.motion_ratio > _MOTION_ONLY_RATIO:
        return Classification(EpisodeKind.ARTEFACT, 0.75, (Reason(code=ReasonCode.LOOSE),))
    return None


def _as_twitch(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Classification | None:
    if evidence.age_s >= config.twitch_s:
        return None
    reasons = (_length_reason(evidence, ended=ended), Reason(code=ReasonCode.BRIEF))
    return Classification(EpisodeKind.TWITCH, 0.8, reasons)


def _as_too_short(evidence: Evidence, config: DetectorConfig, *, ended: bool) -> Classification | None:
    if evidence.age_s >= (config.least_cramp_s if ended else config.confirm_s):
        return None
    if rhythmic := _as_rhythmic(evidence, _LIKELY_RHYTHM, ended=ended):
        return rhythmic
    reasons = (_length_reason(evidence, ended=ended), Reason(code=ReasonCode.TOO_SHORT))
    return Classification(EpisodeKind.LEG_MOVEMENT, 0.7, reasons)


def _as_clear_rhythm(evidence: Evidence, *, ended: bool) -> Classification | None:
    if evidence.rhythm.hz > _FASTEST_TREMOR_HZ:
        return None
    return _as_rhythmic(evidence, _CLEAR_RHYTHM, ended=ended)


def _as_rhythmic(evidence: Evidence, least: tuple[float, float], *, ended: bool) -> Classification | None:
    """Return a rhythm of more than `least` strength and depth; a fast one has to be a clear one."""
    rhythm = evidence.rhythm
    cycles = evidence.age_s * (rhythm.hz if math.isfinite(rhythm.hz) else 0.0)
    if rhythm.hz > _FASTEST_TREMOR_HZ:
        least = _CLEAR_RHYTHM
    if cycles < _FEWEST_CYCLES or rhythm.strength <= least[0] or rhythm.depth <= least[1]:
        return None
    reasons = (Reason(code=ReasonCode.COMES_AND_GOES, number=rhythm.hz), _length_reason(evidence, ended=ended))
    return Classification(EpisodeKind.RHYTHMIC, 0.75, reasons)


def _length_reason(evidence: Evidence, *, ended: bool) -> Reason:
    return Reason(code=ReasonCode.LASTED if ended else ReasonCode.LASTS, number=evidence.age_s)


def _as_sustained(
    evidence: Evidence,
    config: DetectorConfig,
    odds: float,
    reasons: tuple[Reason, ...],
    *,
    ended: bool,
    was_cramp: bool,
) -> Classification:
    """Classify a contraction that has lasted long enough to be a cramp."""
    if odds > _least_odds(evidence, config, was_cramp=was_cramp):
        return Classification(EpisodeKind.CRAMP, _probability(odds), reasons)
    if rhythmic := _as_rhythmic(evidence, _LIKELY_RHYTHM, ended=ended):
        return rhythmic
    is_movement = evidence.age_s > _MOVEMENT_S or evidence.motion_ratio > _MOVEMENT_MOTION_RATIO
    kind = EpisodeKind.MOVEMENT if is_movement else EpisodeKind.LEG_MOVEMENT
    return Classification(kind, 1.0 - _probability(odds), reasons)


def _least_odds(evidence: Evidence, config: DetectorConfig, *, was_cramp: bool) -> float:
    if not was_cramp:
        return config.confirm_score
    return config.revoke_score if evidence.age_s < _OLD_CRAMP_S else config.revoke_old_score


def _cramp_odds(
    evidence: Evidence, config: DetectorConfig, *, was_cramp: bool, scale_known: bool
) -> tuple[float, tuple[Reason, ...]]:
    """Return log odds for a cramp, and the reasons, the weightiest first."""
    odds, arguments = cramp_arguments(evidence)
    arguments = (
        *arguments,
        *_weakness_arguments(evidence, config, scale_known=scale_known),
        *own_effort_arguments(evidence, was_cramp=was_cramp),
    )
    odds += sum(one.weight for one in arguments[len(TERMS) :])
    return odds, tuple(one.reason for one in sorted(arguments, key=lambda one: -abs(one.weight)))


def _weakness_arguments(evidence: Evidence, config: DetectorConfig, *, scale_known: bool) -> tuple[Argument, ...]:
    if scale_known and evidence.rms_uv < config.least_cramp_uv:
        return (Argument(_TOO_WEAK, Reason(code=ReasonCode.WEAK, number=evidence.rms_uv)),)
    if evidence.snr_db < _BARELY_DB:
        return (Argument(_TOO_WEAK, Reason(code=ReasonCode.FAINT)),)
    return ()


def _probability(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
