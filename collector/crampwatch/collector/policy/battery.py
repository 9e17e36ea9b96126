"""When a battery will be empty."""

from typing import Final

__all__ = ["BatteryForecast"]

_LEAST_DROP: Final = 2
"""Percent: a smaller drop is mostly the step of the gauge."""
_LEAST_SPAN_S: Final = 600.0
_MOST_STEPS: Final = 64
LOW_PERCENT: Final = 15
"""Below it a person should charge before the next night; the sensor's own warning may come later."""


class BatteryForecast:
    """Extrapolates the steps of the gauge. Charging, or a jump up, begins anew."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int]] = []
        self._is_low_told = False

    def take(self, utc_ns: int, percent: int) -> None:
        """Take a reading of the gauge, 0 to 100."""
        if self._steps and percent > self._steps[-1][1]:
            self._steps.clear()
            self._is_low_told = self._is_low_told and percent <= LOW_PERCENT
        if not self._steps or percent < self._steps[-1][1]:
            self._steps.append((utc_ns, percent))
            del self._steps[1:-_MOST_STEPS]

    @property
    def empty_at_ns(self) -> int | None:
        """When it will be empty, UTC; None while too little is known."""
        if len(self._steps) < 2:
            return None
        # The first reading is somewhere within its step; from the second step on the moments are exact.
        first_ns, first = self._steps[1] if len(self._steps) > 2 else self._steps[0]
        last_ns, last = self._steps[-1]
        if first - last < _LEAST_DROP or last_ns - first_ns < _LEAST_SPAN_S * 1e9:
            return None
        return last_ns + round((last_ns - first_ns) * last / (first - last))

    def is_newly_low(self) -> bool:
        """Return whether a low battery is to be told now: once each time it runs low."""
        is_low = bool(self._steps) and self._steps[-1][1] <= LOW_PERCENT
        newly, self._is_low_told = is_low and not self._is_low_told, self._is_low_told or is_low
        return newly
