"""The unit of samples that a program hands in, and a warning where it looks mistaken.

A factor of a thousand or a million between what was meant and what was passed is the most common mistake with EMG in
arrays: MNE has volts, many text files have millivolts. The detector would see an electrode that is as good as dead, and
find nothing, without a word. So the size of the first seconds is compared with what a skin electrode can deliver.
"""

import warnings
from typing import Any, Final, Literal, get_args

import numpy as np
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from numpy.typing import NDArray

__all__ = ["InputUnit", "ScaleCheck", "describe_array", "uv_factor"]

InputUnit = Literal["uV", "mV", "V", "relative"]

_UV_PER_UNIT: Final[dict[str, float]] = {"uV": 1.0, "mV": 1e3, "V": 1e6, "relative": 1.0}
_RESOLUTION_UV: Final = 0.01
"""Assumed of an array: finer than any surface EMG front end, as the readers of files assume where a file is silent."""
_CHECKED_S: Final = 5.0
"""Long enough for rest to prevail over a single twitch, short enough for the warning to come at once."""
_SMALLEST_UV: Final = 0.05
"""Median deviation. The quietest electrode measured has a noise of 0.55 uV RMS, a median deviation of 0.37 uV; resting
EMG in millivolts is a thousandth of that."""
_SMALLEST_MV: Final = 0.00005
"""Below this it is not millivolts either: resting EMG in volts deviates by a few millionths."""
_LARGEST_UV: Final = 50_000.0
"""Median deviation. Amplifiers for surface EMG saturate below 50 mV."""


def uv_factor(unit: object) -> float:
    """Return the microvolts in one unit; 1 for `relative`, whose scale is unknown.

    Raises:
        ValueError: Not one of the units.
    """
    if not isinstance(unit, str) or unit not in _UV_PER_UNIT:
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(get_args(InputUnit))}")
    return _UV_PER_UNIT[unit]


def describe_array(*, rate_hz: float, channels: int, unit: InputUnit, labels: tuple[str, ...]) -> StreamDescription:
    """Describe the samples of an array, after they were multiplied by `uv_factor`."""
    return StreamDescription(
        stream=1,
        kind=StreamKind.EMG,
        channels=channels,
        format=SampleFormat.INT24,
        rate_hz=rate_hz,
        lsb=float("nan") if unit == "relative" else _RESOLUTION_UV * 1e-6,
        band_hz=(0.0, rate_hz / 2),
        labels=labels,
    )


class ScaleCheck:
    """Looks at the first seconds of a signal, and warns where they are too small or too large for microvolts.

    Args:
        rate_hz: Samples per second.
        unit: As the caller stated it, for the message; nothing is checked where it is `relative`.
    """

    def __init__(self, rate_hz: float, unit: InputUnit) -> None:
        self._unit = unit
        self._missing = 0 if unit == "relative" else round(_CHECKED_S * rate_hz)
        self._blocks: list[NDArray[np.float64]] = []

    def push(self, block_uv: NDArray[np.float64]) -> None:
        """Add a block, (n, channels); does nothing once there is enough."""
        if self._missing > 0:
            self._blocks.append(block_uv[: self._missing].copy())
            self._missing -= len(block_uv)

    def warn(self, *, stacklevel: int, at_end: bool = False) -> None:
        """Warn, once, if what was seen is suspicious: as soon as it is enough, or at the end of a short signal."""
        if self._blocks and (self._missing <= 0 or at_end):
            samples, self._blocks, self._missing = np.concatenate(self._blocks), [], 0
            message = _describe_problem(samples, self._unit)
            if message:
                warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)


def _describe_problem(samples_uv: NDArray[np.float64], unit: InputUnit) -> str:
    """Return what is suspicious about the size of some seconds of signal; empty where nothing is."""
    largest_uv = max((_median_deviation(column) for column in samples_uv.T), default=0.0)
    if 0.0 < largest_uv < _SMALLEST_UV:
        likely = "mV" if largest_uv >= _SMALLEST_MV else "V"
        hint = f"are they in {likely}? Then pass unit={likely!r}" if unit == "uV" else f"are they really in {unit}?"
        return f"the samples deviate by only {largest_uv:.2g} uV, less than any electrode's noise: {hint}"
    if largest_uv > _LARGEST_UV:
        hint = "unit='relative' if these are counts of unknown scale"
        return f"the samples deviate by {largest_uv:.2g} uV, more than any EMG: pass {hint}, or correct unit={unit!r}"
    return ""


def _median_deviation(values: NDArray[Any]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
