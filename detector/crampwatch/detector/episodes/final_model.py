"""The last word on a contraction that is over: how it looked all along, how long it lasted and how it let go.

A cramp ends unit by unit over seconds, or within two when the muscle is stretched; what is held by will is let go at
once, in a few tenths of a second. While a contraction goes on nobody can know, so the live verdict does without. Fitted
on the three generators that `cramp_odds` was, each with the same say; `benchmarks/fit_cramp_odds.py` repeats it on the
two that are kept.
"""

import math

from crampwatch.protocol.reasons import Reason, ReasonCode

__all__ = ["FINAL_TERMS", "FINAL_WEIGHTS", "final_odds", "final_terms"]

FINAL_WEIGHTS: dict[str, float] = {"one": 0.46, "all_along": 0.92, "lasted": 0.26, "release": 0.5}
"""Log odds for each unit of a term."""
FINAL_TERMS = tuple(FINAL_WEIGHTS)

_EVEN_MIX_S = 0.9
"""What the release takes of an even mix of cramps and look-alikes: said of one whose end was not seen."""


def final_terms(mean_odds: float, *, lasted_s: float, release_s: float) -> dict[str, float]:
    """Return every term; arguments as of `final_odds`."""
    seen_s = release_s if math.isfinite(release_s) else _EVEN_MIX_S
    return {
        "one": 1.0,
        "all_along": min(max(mean_odds, -6.0), 4.0),
        "lasted": math.log(min(lasted_s, 60.0) / 5.0),
        "release": math.log(min(seen_s, 8.0) + 0.1),
    }


def final_odds(mean_odds: float, *, lasted_s: float, release_s: float) -> tuple[float, tuple[Reason, ...]]:
    """Return the log odds for a cramp, and what the end of it says.

    Args:
        mean_odds: Mean of the log odds at every look while it went on.
        lasted_s: Its length.
        release_s: How long it took to let go; NaN where that was not seen.
    """
    terms = final_terms(mean_odds, lasted_s=lasted_s, release_s=release_s)
    odds = sum(weight * terms[name] for name, weight in FINAL_WEIGHTS.items())
    return odds, (_let_go(release_s),) if math.isfinite(release_s) else ()


def _let_go(release_s: float) -> Reason:
    code = ReasonCode.EBBED if release_s > _EVEN_MIX_S else ReasonCode.ENDED_AT_ONCE
    return Reason(code=code, number=release_s)
