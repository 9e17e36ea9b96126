"""What a personal calibration adds: how strong a contraction is, relative to the wearer's own hardest effort.

It may only weigh against a cramp. Cramps of calf and foot reach 20 to 80 % of the greatest voluntary EMG; what stays
below a tenth is more often a single unit, tone, or a worse contact. A calibration in which the wearer did not try hard
gives larger shares, and then nothing is held against anything: as without one. The final classification of a
contraction that is over does without it (see docs/detection.md).
"""

import math

from crampwatch.detector.episodes.cramp_model import Argument
from crampwatch.detector.episodes.evidence import Evidence
from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["own_effort_arguments"]

_FULL_DB = -20.0  # a tenth of the own amplitude: half of what the weakest cramps of the literature reach
_LEAST_DB = -34.0  # a fiftieth: whatever is weaker weighs as much
_WEIGHT = 0.28  # log odds per dB, as fitted on simulated wearers, each left out in turn (docs/detection.md)


def own_effort_arguments(evidence: Evidence, *, was_cramp: bool = False) -> tuple[Argument, ...]:
    """Return the argument from the own effort; none without a calibration.

    It has no weight for an episode that was called a cramp before: a cramp that fades is weak.
    """
    share = evidence.own_share
    if not math.isfinite(share):
        return ()
    level_db = 20.0 * math.log10(max(share, 1e-6))
    weight = 0.0 if was_cramp else _WEIGHT * (min(max(level_db, _LEAST_DB), _FULL_DB) - _FULL_DB)
    return (Argument(weight, Reason(code=ReasonCode.OWN_EFFORT, number=100.0 * share)),)
