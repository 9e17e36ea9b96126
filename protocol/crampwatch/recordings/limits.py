"""Limits of what a recording of surface EMG can be. A file beyond them is damaged, or is not what it claims to be."""

import math

from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.samples import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS

__all__ = [
    "HIGHEST_RATE_HZ",
    "LONGEST_S",
    "LOWEST_RATE_HZ",
    "MOST_CHANNELS",
    "check_length",
    "check_options",
    "check_rate",
]

LONGEST_S = 31 * 86_400.0
"""A month. A clock that jumps further than that in one file is wrong."""
_LARGEST_SCALE_UV = 1e9
"""Kilovolts per unit: no file states its samples in so large a unit."""
_SMALLEST_SCALE_UV = 1e-9
"""Femtovolts per unit, a million times below the noise of any amplifier."""


def check_rate(rate_hz: float, where: str) -> float:
    """Return a sampling rate if EMG can have been recorded at it; `where` begins the error message.

    Raises:
        RecordingError: It is out of range or NaN.
    """
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise RecordingError(
            f"{where} states {rate_hz:g} samples a second; "
            f"EMG is sampled between {LOWEST_RATE_HZ:g} and {HIGHEST_RATE_HZ:g}.",
            advice="Choose other channels, or export the recording again with its true rate.",
        )
    return rate_hz


def check_length(samples: int, rate_hz: float, where: str) -> int:
    """Return the number of samples if a recording can have that many; `where` begins the error message.

    Raises:
        RecordingError: There are none, or the recording would last more than a month.
    """
    if samples < 1:
        raise RecordingError(
            f"{where} holds no samples.", advice="Check that the recording was finished and the whole file was copied."
        )
    if samples / rate_hz > LONGEST_S:
        raise RecordingError(
            f"{where} claims to last {samples / rate_hz / 86_400:.0f} days; "
            f"more than {LONGEST_S / 86_400:.0f} days cannot be right.",
            advice="Check the sampling rate, or split the file.",
        )
    return samples


def check_options(*, rate_hz: float | None, scale_uv: float | None) -> None:
    """Check what the user stated about a file; None is not checked.

    Raises:
        ConfigurationError: A rate or scale that no recording has.
    """
    if rate_hz is not None and not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise ConfigurationError(
            f"A rate of {rate_hz:g} Hz was given; "
            f"EMG is sampled between {LOWEST_RATE_HZ:g} and {HIGHEST_RATE_HZ:g} Hz.",
            advice="Correct --rate-hz.",
        )
    if scale_uv is None:
        return
    if not (math.isfinite(scale_uv) and _SMALLEST_SCALE_UV <= scale_uv <= _LARGEST_SCALE_UV):
        raise ConfigurationError(
            f"A scale of {scale_uv:g} microvolts per unit was given; expected a positive number.",
            advice="Correct --scale: 1000 for a file in millivolts, 1000000 for one in volts.",
        )
