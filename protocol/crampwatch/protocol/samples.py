"""Sample arrays that a program hands in: checked once, and brought into the one shape the rest works with.

The messages are written for somebody at a Python prompt: what was met, what was expected, what would work.
"""

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "HIGHEST_RATE_HZ",
    "LARGEST_VALUE",
    "LOWEST_RATE_HZ",
    "MOST_CHANNELS",
    "as_matrix",
    "checked_channels",
    "checked_labels",
    "checked_rate",
    "without_absurd",
]

LOWEST_RATE_HZ: Final = 10.0
"""Surface EMG has no useful power below 10 Hz; slower series are temperatures and events."""
HIGHEST_RATE_HZ: Final = 100_000.0
"""Laboratory needle EMG is sampled at up to 50 kHz."""
MOST_CHANNELS: Final = 64
"""High-density grids have 64; an array of more columns is most likely transposed."""
LARGEST_VALUE: Final = 1e12
"""Beyond this a value is no measurement (a million volts in microvolts) and would overflow a filter."""

_NUMERIC: Final = "fiu"


def checked_rate(rate_hz: object) -> float:
    """Return a sampling rate as a float.

    Raises:
        TypeError: Not a real number.
        ValueError: Not a rate that EMG is sampled at.
    """
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, Real):
        raise TypeError(f"rate_hz must be a number of samples per second, not {_type_name(rate_hz)}")
    rate = float(rate_hz)
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:  # also refuses NaN
        raise ValueError(
            f"rate_hz is {rate:g}; EMG is sampled between {LOWEST_RATE_HZ:g} and {HIGHEST_RATE_HZ:g} samples per second"
        )
    return rate


def checked_channels(channels: object) -> int:
    """Return a number of channels as an int.

    Raises:
        TypeError: Not a whole number.
        ValueError: Fewer than 1 or more than `MOST_CHANNELS`.
    """
    if isinstance(channels, bool) or not hasattr(channels, "__index__"):
        raise TypeError(f"channels must be a whole number, not {_type_name(channels)}")
    count = operator.index(channels)
    if not 1 <= count <= MOST_CHANNELS:
        raise ValueError(f"channels is {count}; expected 1 to {MOST_CHANNELS}")
    return count


def checked_labels(labels: Sequence[str], channels: int) -> tuple[str, ...]:
    """Return channel labels as a tuple: none at all, or one per channel.

    Raises:
        TypeError: Not a sequence of texts.
        ValueError: Another number of labels than of channels.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError(f"labels must be a sequence of texts, one per channel, not {labels!r}")
    if labels and len(labels) != channels:
        raise ValueError(f"{len(labels)} labels were given for {channels} channel(s): {', '.join(labels)}")
    return tuple(labels)


def as_matrix(values: ArrayLike, *, channels: int | None = None) -> NDArray[Any]:
    """Return an array of samples in the shape (samples, channels), of its own numeric type, without copying it.

    Masked values of a masked array become NaN.

    Args:
        values: (samples,) for one channel, or (samples, channels).
        channels: How many columns are expected; None where any number will do, of an array with more rows than columns.

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The shape does not fit; the message says so where the array seems to be transposed.
    """
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), math.nan)
    array = np.asarray(values)
    _check_type(array, values)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ValueError(
            f"expected samples of shape (samples,) or (samples, channels), got {array.ndim} dimensions: {array.shape}"
        )
    _check_shape(array.shape, channels)
    return array


def without_absurd(values: NDArray[Any], *, factor: float = 1.0) -> NDArray[np.float64]:
    """Return a fresh float64 array times a factor; infinite and absurdly large values are missing: NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled: NDArray[np.float64] = np.multiply(values, factor, dtype=np.float64)
        scaled[~(np.abs(scaled) <= LARGEST_VALUE)] = math.nan
    return scaled


def _check_type(array: NDArray[Any], values: object) -> None:
    if array.dtype.kind in _NUMERIC:
        return
    if array.dtype.kind == "c":
        raise TypeError(f"samples must be real numbers, got {array.dtype}; did you want their real part?")
    if array.dtype.kind == "b":
        raise TypeError("samples must be numbers, got truth values (bool)")
    raise TypeError(f"samples must be an array of real numbers, got {_type_name(values)} of {array.dtype}")


def _check_shape(shape: tuple[int, ...], channels: int | None) -> None:
    rows, columns = shape
    if channels is None:
        is_transposed = rows < columns and rows > 0
        is_acceptable = 1 <= columns <= MOST_CHANNELS
    else:
        is_transposed = rows == channels != columns
        is_acceptable = columns == channels
    if is_transposed and columns == 1:
        raise ValueError(
            f"expected samples of {channels} channels, got {rows} values; one sample of all is [[a, b, ...]]"
        )
    if is_transposed:
        raise ValueError(
            f"the array of shape {shape} looks transposed: expected (samples, channels), got (channels, samples)? "
            "Pass its transpose, emg.T"
        )
    if not is_acceptable:
        expected = f"1 to {MOST_CHANNELS} channels" if channels is None else f"{channels} channel(s)"
        raise ValueError(f"expected {expected}, got an array of shape {shape} with {columns}")


def _type_name(value: object) -> str:
    return type(value).__name__
