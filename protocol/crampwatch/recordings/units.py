"""Physical units as files spell them."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_foreign_unit", "to_celsius", "uv_per_unit"]

_MICROVOLTS = {"v": 1e6, "volt": 1e6, "volts": 1e6, "mv": 1e3, "uv": 1.0, "nv": 1e-3}
# What recorders write where they do not know the unit.
_UNSTATED = {"", "?", "-", "n/a", "na", "none", "nu", "unit", "units", "au", "a.u.", "adu", "count", "counts", "raw"}
# Slope and offset.
_TO_CELSIUS = {
    **dict.fromkeys(("k", "degk", "kelvin"), (1.0, -273.15)),
    **dict.fromkeys(("f", "degf", "deg f", "\N{DEGREE SIGN}f", "fahrenheit"), (5 / 9, -160 / 9)),
}


def uv_per_unit(unit: str) -> float | None:
    """Return microvolts per unit; None if the unit is not a voltage or not stated.

    >>> uv_per_unit("mV"), uv_per_unit("Ohm")
    (1000.0, None)
    """
    return _MICROVOLTS.get(_normalised(unit))


def is_foreign_unit(unit: str) -> bool:
    """Return whether a unit is stated and is not a voltage, so that the signal cannot be EMG."""
    normalised = _normalised(unit)
    return normalised not in _MICROVOLTS and normalised not in _UNSTATED


def to_celsius(values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    """Return degC from temperatures in kelvin or Fahrenheit; any other unit is assumed to be degC."""
    slope, offset = _TO_CELSIUS.get(_normalised(unit), (1.0, 0.0))
    return values * slope + offset


def _normalised(unit: str) -> str:
    """Return a unit in lower case, with one spelling of micro: files have two Unicode letters and mis-decoded UTF-8."""
    text = unit.strip().strip("[]()").replace("\N{LATIN CAPITAL LETTER A WITH CIRCUMFLEX}", "")
    return text.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u").lower()
