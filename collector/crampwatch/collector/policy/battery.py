"""When a battery will be empty, by extrapolating its gauge.

A gauge reports whole percents, or even steps of 5 or 10. Only the moments at which it steps down are informative:
between two of them the true level may be anywhere within the step. So the forecast is a straight line from the earliest
step to the latest one. Charging, or any rise, starts a new line.
"""

from typing import Final

__all__ = ["BatteryForecast"]

_MIN_DROP_PERCENT: Final = 2
"""A smaller drop is mostly the step of the gauge."""
_MIN_DROP_S: Final = 600.0
"""Over a shorter time the rounding of the gauge dominates the slope."""
_MAX_STEPS: Final = 64
"""Steps remembered beside the first: a gauge of 1 % has 100 in a discharge, and the newest of them tell its present
rate."""
LOW_PERCENT: Final = 15
"""At this level a person should charge before the next night; the sensor's own warning may come later."""


class BatteryForecast:
    """Forecasts when a battery will be empty, and reports once each time it runs low."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int]] = []
        self._is_low_reported = False

    def update(self, utc_ns: int, percent: int) -> None:
        """Add a reading of the gauge, 0 to 100."""
        if self._steps and percent > self._steps[-1][1]:
            self._steps.clear()
            self._is_low_reported = self._is_low_reported and percent <= LOW_PERCENT
        if not self._steps or percent < self._steps[-1][1]:
            self._steps.append((utc_ns, percent))
            del self._steps[1:-_MAX_STEPS]

    @property
    def empty_at_ns(self) -> int | None:
        """When the battery will be empty, UTC; None while too little is known."""
        if len(self._steps) < 2:
            return None
        # The first reading is somewhere within its step; from the second step on the moments are exact.
        first_ns, first = self._steps[1] if len(self._steps) > 2 else self._steps[0]
        last_ns, last = self._steps[-1]
        if first - last < _MIN_DROP_PERCENT or last_ns - first_ns < _MIN_DROP_S * 1e9:
            return None
        return last_ns + round((last_ns - first_ns) * last / (first - last))

    def has_just_run_low(self) -> bool:
        """Return True once each time the battery has run low: at the first call after it has."""
        is_low = bool(self._steps) and self._steps[-1][1] <= LOW_PERCENT
        is_new, self._is_low_reported = is_low and not self._is_low_reported, self._is_low_reported or is_low
        return is_new
