"""What a unit printed in a file means."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_foreign_unit", "to_celsius", "uv_per_unit"]

_UV = {"v": 1e6, "volt": 1e6, "volts": 1e6, "mv": 1e3, "uv": 1.0, "nv": 1e-3}
_UNSTATED = {"", "?", "-", "n/a", "na", "none", "nu", "unit", "units", "au", "a.u.", "adu", "count", "counts", "raw"}
_TO_CELSIUS = {
    **dict.fromkeys(("k", "degk", "kelvin"), (1.0, -273.15)),
    **dict.fromkeys(("f", "degf", "deg f", "\N{DEGREE SIGN}f", "fahrenheit"), (5 / 9, -160 / 9)),
}


def uv_per_unit(unit: str) -> float | None:
    """Return microvolts per unit; None for what is no voltage or not stated.

    >>> uv_per_unit("mV"), uv_per_unit("Ohm")
    (1000.0, None)
    """
    return _UV.get(_plain(unit))


def is_foreign_unit(unit: str) -> bool:
    """Tell whether a unit is stated and is not a voltage."""
    plain = _plain(unit)
    return plain not in _UV and plain not in _UNSTATED


def to_celsius(values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    """Return degC from temperatures in kelvin or Fahrenheit; any other unit is taken for degC."""
    slope, offset = _TO_CELSIUS.get(_plain(unit), (1.0, 0.0))
    return values * slope + offset


def _plain(unit: str) -> str:
    """Reduce the ways of writing micro and degree, mis-decoded UTF-8 among them, to plain lower case."""
    text = unit.strip().strip("[]()").replace("\N{LATIN CAPITAL LETTER A WITH CIRCUMFLEX}", "")
    return text.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u").lower()
