"""Short streams cut in the middle of what is going on, for checkpoints that were written by earlier versions.

The checkpoints in `tests/data/checkpoints` were written by the code of December 2026 (state version 8) from these very
samples. Only `random.Random.random` is used, whose numbers Python guarantees to stay the same in all versions.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CutStream:
    """A stream, and the sample at which the process that analysed it was replaced.

    Attributes:
        pieces: First sample index and samples (n, channels) of each block, in uV.
        cut: Blocks that were analysed before the checkpoint was written.
        calibration_from: Sample index from which a calibration applies; 0 for the whole stream, None for none.
    """

    rate_hz: float
    channels: int
    pieces: list[tuple[int, Array]] = field(repr=False)
    cut: int
    calibration_from: int | None = None


def during_a_cramp() -> CutStream:
    """Two channels; a contraction that builds up for 3 s, with a lost packet, and a calibration from the start."""
    rate_hz = 250.0
    emg = _noise(1, round(24 * rate_hz), 2, rate_hz, lambda t_s: _hump(t_s, 4.0, 3.0, 19.0))
    emg[round(6.0 * rate_hz) : round(6.1 * rate_hz)] = np.nan
    return CutStream(rate_hz, 2, _blocks(emg, 131), cut=round(9.2 * rate_hz) // 131, calibration_from=0)


def during_a_series() -> CutStream:
    """One channel; a beat every 0.8 s, which are one episode by the time of the cut; a calibration applies later."""
    rate_hz = 250.0
    emg = _noise(2, round(24 * rate_hz), 1, rate_hz, _beats)
    return CutStream(rate_hz, 1, _blocks(emg, 97), cut=round(9.8 * rate_hz) // 97, calibration_from=round(12 * rate_hz))


def inside_a_gap() -> CutStream:
    """One channel; a jump of the index by 14 s, then a burst during which samples are missing at the cut."""
    rate_hz = 500.0
    emg = _noise(3, round(24 * rate_hz), 1, rate_hz, _burst)
    emg[round(20.9 * rate_hz) : round(21.3 * rate_hz)] = np.nan
    before, after = round(4.0 * rate_hz), round(18.0 * rate_hz)
    pieces = [(0, emg[:before]), *_blocks(emg[after:], 75, after)]
    return CutStream(rate_hz, 1, pieces, cut=1 + round(3.1 * rate_hz) // 75)


def _noise(seed: int, count: int, channels: int, rate_hz: float, effort: Callable[[Array], Array]) -> Array:
    """Return rest of 3 uV; the first channel is as many times stronger as `effort` says, the second 1/20 of that."""
    rng = random.Random(seed)
    noise = np.array([sum(rng.random() for _ in range(4)) - 2.0 for _ in range(count * channels)])
    level = effort(np.arange(count) / rate_hz)
    shares = np.array([1.0, 0.05])[:channels]
    return np.asarray(3.0 * 1.732 * noise.reshape(count, channels) * (1.0 + level[:, None] * shares) + 100.0)


def _hump(t_s: Array, onset_s: float, rise_s: float, offset_s: float) -> Array:
    return np.asarray(
        np.interp(t_s, [onset_s, onset_s + rise_s, offset_s - 2.0, offset_s], [0.0, 12.0, 12.0, 0.0]), float
    )


def _burst(t_s: Array) -> Array:
    return np.asarray(8.0 * ((t_s > 20.0) & (t_s < 22.5)), float)


def _beats(t_s: Array) -> Array:
    return np.asarray(15.0 * ((t_s > 3.0) & (t_s < 15.0) & (t_s % 0.8 < 0.16)), float)


def _blocks(emg: Array, size: int, first_index: int = 0) -> list[tuple[int, Array]]:
    return [(first_index + place, emg[place : place + size]) for place in range(0, len(emg), size)]


CUT_STREAMS: dict[str, Callable[[], CutStream]] = {
    "cramp": during_a_cramp,
    "series": during_a_series,
    "gap": inside_a_gap,
}
