"""When motor units discharge: interval variability, recruitment and rate coding, bursts.

A motor unit discharges about regularly, at a rate that changes over time. Its discharges are modelled as a gamma
renewal process whose clock runs at that rate: intervals of mean 1 are drawn in "operational time", the integral of the
rate, and mapped back to real time. The shape of the gamma distribution sets the coefficient of variation of the
intervals.
"""

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Discharges
from crampwatch.firmware_sim.physiology.muscle import Muscle
from crampwatch.firmware_sim.physiology.randomness import Floats
from numpy.typing import NDArray

__all__ = ["discharge_trains", "sorted_discharges", "volley", "voluntary_contraction"]

_REFRACTORY_S = 0.003
_BATCH = 400_000
"""Rates computed at once (number of units times number of times): a few megabytes."""


def discharge_trains(
    rng: np.random.Generator,
    time_s: Floats,
    rates_hz: Floats,
    *,
    interval_cv: float,
    doublet_share: float = 0.0,
) -> tuple[Floats, NDArray[np.int64]]:
    """Draw the discharge times of several units whose rates change over time.

    Args:
        rng: Source of the intervals.
        time_s: Ascending times at which the rates are given, shape (times,).
        rates_hz: Shape (units, times); 0 where a unit is silent.
        interval_cv: Coefficient of variation of the intervals at a constant rate.
        doublet_share: Share of discharges that are followed by another after 3 to 10 ms.

    Returns:
        Discharge times, and for each the row of its unit; ordered by unit, then time.
    """
    # The tiny slope keeps the integral of the rate strictly increasing, hence invertible, where a unit is silent.
    passed = 1e-9 * np.tile(np.arange(time_s.size, dtype=np.float64), (rates_hz.shape[0], 1))
    passed[:, 1:] += np.cumsum((rates_hz[:, 1:] + rates_hz[:, :-1]) * (np.diff(time_s) / 2), axis=1)
    total = passed[:, -1]
    shape, most = 1.0 / interval_cv**2, float(total.max(initial=0.0))
    intervals = rng.gamma(shape, 1.0 / shape, (total.size, int(most + 6 * np.sqrt(most + 1)) + 4))
    intervals[:, 0] *= rng.uniform(size=total.size)
    due = np.cumsum(intervals, axis=1)
    happens = due < total[:, None]
    # The curves of all units are joined, each above the one before, so that a single interpolation inverts them all.
    step = np.concatenate([[0.0], np.cumsum(total + 1.0)[:-1]])[:, None]
    spikes = np.interp((due + step)[happens], (passed + step).ravel(), np.tile(time_s, total.size))
    return _with_doublets(rng, spikes, np.nonzero(happens)[0], doublet_share)


def _with_doublets(
    rng: np.random.Generator, spikes: Floats, row: NDArray[np.int64], share: float
) -> tuple[Floats, NDArray[np.int64]]:
    """Add second discharges, and remove those that fall into the refractory period of the previous one."""
    doubled = rng.uniform(size=spikes.size) < share
    second = spikes[doubled] + rng.uniform(0.003, 0.010, int(doubled.sum()))
    spikes, row = np.concatenate([spikes, second]), np.concatenate([row, row[doubled]])
    order = np.lexsort((spikes, row))
    spikes, row = spikes[order], row[order]
    apart = (np.diff(spikes, prepend=-np.inf) > _REFRACTORY_S) | (np.diff(row, prepend=-1) != 0)
    return spikes[apart], row[apart]


def voluntary_contraction(
    rng: np.random.Generator,
    muscle: Muscle,
    number: int,
    time_s: Floats,
    excitation: Floats,
    *,
    interval_cv: float = 0.15,
    stretch: float = 1.0,
    gain: float = 1.0,
) -> Discharges:
    """Generate a voluntary contraction: recruitment by size, and rates that rise with excitation.

    Args:
        rng: Source of the intervals.
        muscle: The muscle that contracts.
        number: Its index among the muscles of the wearer.
        time_s: Ascending times at which the excitation is given.
        excitation: Drive of the muscle, 0 to 1.
        interval_cv: 0.1 to 0.2 in voluntary contractions.
        stretch: Factor of the duration of the potentials.
        gain: Factor of their amplitude.
    """
    units = np.flatnonzero(muscle.threshold < float(excitation.max(initial=0.0)))
    batch = max(1, _BATCH // time_s.size)
    pieces = [units[first : first + batch] for first in range(0, units.size, batch)]
    fired = [
        discharge_trains(rng, time_s, _firing_rates_hz(muscle, piece, excitation), interval_cv=interval_cv)
        for piece in pieces
    ]
    time_of = np.concatenate([np.zeros(0), *(times for times, _ in fired)])
    unit_of = np.concatenate([units[:0], *(piece[row] for piece, (_, row) in zip(pieces, fired, strict=True))])
    return sorted_discharges(number, time_of, unit_of, stretch=stretch, gain=gain)


def _firing_rates_hz(muscle: Muscle, units: NDArray[np.int64], excitation: Floats) -> Floats:
    """Return the rate of each unit over time, shape (units, times): minimal at its threshold, rising to its maximum."""
    threshold = muscle.threshold[units, None]
    share = (excitation - threshold) / (1.0 - threshold)
    least, most = muscle.min_rate_hz[units, None], muscle.max_rate_hz[units, None]
    return np.where(share > 0, least + (most - least) * np.minimum(1.6 * share, 1.0), 0.0)


def volley(
    rng: np.random.Generator,
    number: int,
    units: NDArray[np.int64],
    *,
    middle_s: float,
    spread_s: float,
    discharges: float = 1.5,
    stretch: float = 1.0,
    gain: float = 1.0,
) -> Discharges:
    """Generate a brief, loosely synchronised burst: each unit discharges about `discharges` times around `middle_s`."""
    unit_of = np.repeat(units, 1 + rng.poisson(discharges - 1.0, units.size))
    times = middle_s + spread_s * np.clip(rng.normal(size=unit_of.size), -2.0, 2.0)
    return sorted_discharges(number, times, unit_of, stretch=stretch, gain=gain)


def sorted_discharges(
    number: int,
    time_s: Floats,
    unit: NDArray[np.int64],
    *,
    stretch: float | tuple[Floats, Floats] = 1.0,
    gain: float = 1.0,
) -> Discharges:
    """Sort the discharges of one muscle by time.

    Args:
        number: Index of the muscle.
        time_s: In any order.
        unit: Index of the unit of each discharge.
        stretch: Factor of the duration of the potentials: one number, or times and the factor at those times.
        gain: Factor of their amplitude.
    """
    order = np.argsort(time_s, kind="stable")
    time_s, unit = time_s[order], unit[order]
    factor = np.interp(time_s, *stretch) if isinstance(stretch, tuple) else np.full(time_s.size, stretch)
    return Discharges(number, time_s, unit, factor, np.full(time_s.size, gain))
