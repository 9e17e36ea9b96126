"""The detector's features over a span of time, on equal steps for a screen."""

from typing import Final

import numpy as np
from crampwatch.store.model.series import Series
from crampwatch.web.live.ring import Floats
from crampwatch.web.night.model.viewport import Span

__all__ = ["FEATURE_STEP_NS", "mean_value", "resample_features"]

FEATURE_STEP_NS: Final = 100_000_000
"""The detector's own step; the store returns longer ones for long spans."""
_SHOWN: Final = ("envelope", "floor", "threshold")
_MAX_HOLD_STEPS: Final = 1.5
"""A value holds until the next, but no longer than this: beyond it the next one is missing, and the curve has a gap."""


def resample_features(series: Series | None, span: Span) -> tuple[Floats, float]:
    """Return envelope, floor and threshold, float32 of shape (steps, channels, 3), and the length of a step in ns.

    The steps divide the span equally and are not shorter than those of the series; at most one per column. NaN where
    there is no value.
    """
    if series is None:
        return np.full((1, 1, len(_SHOWN)), np.nan, np.float32), float(span.to_ns - span.from_ns)
    source_step_ns = float(np.median(np.diff(series.t_ns))) if len(series) > 1 else float(FEATURE_STEP_NS)
    steps = max(1, min(span.columns, round((span.to_ns - span.from_ns) / source_step_ns)))
    step_ns = (span.to_ns - span.from_ns) / steps
    middles = span.from_ns + (np.arange(steps) + 0.5) * step_ns
    places = np.searchsorted(series.t_ns, middles, side="right") - 1
    ages_ns = middles - series.t_ns[np.maximum(places, 0)]
    is_known = (places >= 0) & (ages_ns < _MAX_HOLD_STEPS * max(source_step_ns, step_ns))
    table = np.stack([series.values[name] for name in _SHOWN], axis=-1)
    values = np.where(is_known[:, None, None], table[np.maximum(places, 0)], np.nan)
    return values.astype(np.float32), step_ns


def mean_value(series: Series | None, name: str, channel: int) -> float | None:
    """Return the mean of a feature of one channel; None if there is no value."""
    if series is None or channel >= series.values[name].shape[1]:
        return None
    known = series.values[name][:, channel]
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else None
