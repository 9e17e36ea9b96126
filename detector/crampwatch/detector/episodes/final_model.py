"""The final classification of a contraction that is over: how it looked all along, how long it took, how it ended.

A cramp ends unit by unit over seconds, or within two when the muscle is stretched; a deliberate contraction ends within
a few tenths of a second. While a contraction goes on nobody can know, so the live classification does without. Log odds
add up as in `cramp_model`:

- `all_along`: the mean log odds of all looks at it, limited to -6..4 so that no number of looks outweighs the rest;
- `lasted`: a cramp lasts longer than most movements; beyond a minute nothing more is learned;
- `release`: how long it took to end; beyond 8 s it is a tail.

Fitted on the three generators that `cramp_model` was, each with the same weight; `benchmarks/fit_cramp_odds.py` repeats
it on the two that are in this repository.
"""

import math

from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["FINAL_TERMS", "FINAL_WEIGHTS", "final_odds", "final_terms"]

FINAL_WEIGHTS: dict[str, float] = {"one": 0.46, "all_along": 0.92, "lasted": 0.26, "release": 0.5}
"""Log odds for each unit of a term."""
FINAL_TERMS = tuple(FINAL_WEIGHTS)

_EVEN_MIX_S = 0.9
"""Mean release of an even mix of cramps and look-alikes: a longer one speaks for a cramp, an unseen end is taken as
this."""

_ODDS_RANGE = (-6.0, 4.0)
_LONGEST_S = 60.0
_LONGEST_RELEASE_S = 8.0


def final_terms(mean_odds: float, *, lasted_s: float, release_s: float) -> dict[str, float]:
    """Return every term; arguments as of `final_odds`."""
    seen_s = release_s if math.isfinite(release_s) else _EVEN_MIX_S
    return {
        "one": 1.0,
        "all_along": min(max(mean_odds, _ODDS_RANGE[0]), _ODDS_RANGE[1]),
        "lasted": math.log(min(lasted_s, _LONGEST_S) / 5.0),
        "release": math.log(min(seen_s, _LONGEST_RELEASE_S) + 0.1),
    }


def final_odds(mean_odds: float, *, lasted_s: float, release_s: float) -> tuple[float, tuple[Reason, ...]]:
    """Return the log odds for a cramp, and the reason that its end gives, if it was seen.

    Args:
        mean_odds: Mean of the log odds at every look while it went on.
        lasted_s: Its length.
        release_s: How long it took to end; NaN where that was not seen.
    """
    terms = final_terms(mean_odds, lasted_s=lasted_s, release_s=release_s)
    odds = sum(weight * terms[name] for name, weight in FINAL_WEIGHTS.items())
    return odds, (_release_reason(release_s),) if math.isfinite(release_s) else ()


def _release_reason(release_s: float) -> Reason:
    code = ReasonCode.EBBED if release_s > _EVEN_MIX_S else ReasonCode.ENDED_AT_ONCE
    return Reason(code=code, number=release_s)
