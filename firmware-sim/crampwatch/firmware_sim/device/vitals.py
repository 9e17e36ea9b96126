"""Battery and skin temperature of a simulated sensor."""

import math
from typing import Final

from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.protocol.temperature import encode_temperature

__all__ = ["Battery", "Thermometer"]

_WARNINGS_PERCENT: Final = (15, 5)
"""Levels of the LOW_BATTERY event (docs/protocol.md)."""


class Battery:
    """A battery that empties at a constant rate.

    Args:
        percent: At boot.
        life_h: Hours from full to empty.
    """

    def __init__(self, *, percent: float, life_h: float) -> None:
        self._at_boot = percent
        self._percent_per_s = 100 / (life_h * 3600)
        self._notified = -1
        self._warned_at = 101

    def percent(self, now_s: float) -> int:
        """Return the level, rounded up: 0 only if it is empty."""
        return max(0, math.ceil(self._at_boot - now_s * self._percent_per_s))

    def new_percent(self, now_s: float) -> int | None:
        """Return the level if it has changed since the last call; else None."""
        percent = self.percent(now_s)
        if percent == self._notified:
            return None
        self._notified = percent
        return percent

    def new_warning(self, now_s: float) -> int | None:
        """Return the level once when it falls to 15 percent, and once at 5 percent; else None."""
        percent = self.percent(now_s)
        passed = [limit for limit in _WARNINGS_PERCENT if percent <= limit < self._warned_at]
        if not passed:
            return None
        self._warned_at = min(passed)
        return percent

    def notify_again(self) -> None:
        """Make `new_percent` return the level again, for a new subscriber."""
        self._notified = -1


class Thermometer:
    """Skin temperature, notified at an interval.

    Args:
        source: Gives the temperature.
        interval_s: Between notifications.
    """

    def __init__(self, source: SignalSource, *, interval_s: float) -> None:
        self.interval_s = interval_s
        self._source = source
        self._due_s = 0.0

    @property
    def due_s(self) -> float:
        """When the next notification is due."""
        return self._due_s

    def encoded_value(self, sample_s: float) -> bytes:
        """Encode the temperature at a time of the signal; after its end, that of the last sample."""
        rate_hz = self._source.temperature_rate_hz
        index = max(0, math.floor(sample_s * rate_hz))
        if self._source.duration_samples is not None:
            last_s = (self._source.duration_samples - 1) / self._source.stream.rate_hz
            index = min(index, max(0, math.floor(last_s * rate_hz)))
        found = self._source.temperature_c(index, 1)
        return encode_temperature(float(found[0]) if len(found) else math.nan)

    def poll(self, now_s: float) -> bool:
        """Return whether a notification is due; if so, the next one is due an interval later."""
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self.interval_s
        return True

    def notify_soon(self) -> None:
        """Make a notification due at once, for a new subscriber."""
        self._due_s = 0.0
