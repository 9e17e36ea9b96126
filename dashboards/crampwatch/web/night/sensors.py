"""Each sensor's data in a night, collected from the recordings of its sessions. Calls block."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from crampwatch.web.night.model.schema import NightSensor
from crampwatch.web.night.model.signal import BootSignal
from crampwatch.web.night.model.viewport import gaps_ns
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.night.sessions import NightSession
from numpy.typing import NDArray

__all__ = ["RecordedSensors"]

_MAX_CLOCK_GAP_NS: Final = 3_000_000
"""A gap up to this is a correction of the clock between two frames, not missing samples: a lost frame leaves a gap of
tens of milliseconds."""
_MAX_GAPS: Final = 2000
"""A night with more gaps shows the longest: a screen has no room for more."""
_MAX_TEMPERATURES: Final = 600
"""About one a minute for ten hours; skin temperature does not change faster."""


class RecordedSensors:
    """What the recordings of some sessions contain.

    Args:
        recordings: The recordings; sessions without one add the problem ``deleted``.
        sessions: The sessions of a night.
    """

    def __init__(self, recordings: Recordings, sessions: Sequence[NightSession]) -> None:
        self.problems: list[str] = []
        self._shares: list[float] = []
        self._signals: dict[str, list[BootSignal]] = {}
        self._temperature: dict[str, list[tuple[int, float]]] = {}
        self._placements: dict[str, tuple[str, str, str]] = {}
        for session in sessions:
            self._add_session(recordings, session)

    @property
    def share_read(self) -> float:
        """How much of the recordings has been read, 0 to 1."""
        return sum(self._shares) / len(self._shares) if self._shares else 1.0

    def sensors(self, span_ns: tuple[int, int]) -> list[NightSensor]:
        """Return each sensor's data in a span: left feet first, then right ones, then unknown."""
        sensors = [self._make_sensor(name, span_ns) for name in self._placements]
        return sorted(sensors, key=lambda one: ({"left": 0, "right": 1}.get(one.side, 2), one.sensor))

    def recorded_s(self, span_ns: tuple[int, int]) -> float:
        """Return for how many seconds of a span at least one sensor had samples."""
        return _recorded_s(_covered_ns(signal for signals in self._signals.values() for signal in signals), span_ns)

    def _add_session(self, recordings: Recordings, session: NightSession) -> None:
        for info in session.infos.values():
            self._placements[info.sensor] = (info.name, info.placement.side, info.placement.muscle)
        if session.path is None:
            self.problems.append("deleted")
            return
        recording = recordings.recording(session.path)
        self._shares.append(recording.share_read)
        if recording.problem:
            self.problems.append(recording.problem)
        for name, night in recording.sensors.items():
            self._signals.setdefault(name, []).extend(night.signals)
            self._temperature.setdefault(name, []).extend(night.temperature)
            self._placements.setdefault(name, (night.sensor.name or name, night.sensor.side, night.sensor.muscle))

    def _make_sensor(self, sensor: str, span_ns: tuple[int, int]) -> NightSensor:
        signals = self._signals.get(sensor, [])
        covered_ns = _covered_ns(signals)
        gaps = gaps_ns(covered_ns, from_ns=span_ns[0], to_ns=span_ns[1], shortest_ns=_MAX_CLOCK_GAP_NS)
        longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MAX_GAPS]
        first = signals[0] if signals else None
        name, side, muscle = self._placements[sensor]
        return NightSensor(
            sensor=sensor,
            name=name,
            side=side,
            muscle=muscle,
            unit=first.unit if first else "uV",
            rate_hz=first.rate_hz if first else 0.0,
            channels=max((one.channels for one in signals), default=0),
            labels=list(first.labels) if first else [],
            gaps_ns=sorted(longest),
            temperature=_thin_out(self._temperature.get(sensor, []), span_ns[0]),
            recorded_s=_recorded_s(covered_ns, span_ns),
            has_signal=bool(len(covered_ns)),
        )


def _covered_ns(signals: Iterable[BootSignal]) -> NDArray[np.int64]:
    return np.concatenate([*(one.covered_ns() for one in signals), np.empty((0, 2), np.int64)])


def _recorded_s(covered_ns: NDArray[np.int64], span_ns: tuple[int, int]) -> float:
    gaps = gaps_ns(covered_ns, from_ns=span_ns[0], to_ns=span_ns[1])
    return (span_ns[1] - span_ns[0] - sum(end - start for start, end in gaps)) / 1e9


def _thin_out(readings: Sequence[tuple[int, float]], from_ns: int) -> list[tuple[float, float]]:
    """Return every n-th reading, as seconds since a time and degrees Celsius."""
    every = max(1, len(readings) // _MAX_TEMPERATURES)
    return [(round((at_ns - from_ns) / 1e9, 1), round(celsius, 2)) for at_ns, celsius in readings[::every]]
