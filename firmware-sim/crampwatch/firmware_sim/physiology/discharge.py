"""When motor units discharge: interval variability, recruitment and rate coding, volleys."""

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Discharges
from crampwatch.firmware_sim.physiology.chance import Floats
from crampwatch.firmware_sim.physiology.muscle import Muscle
from numpy.typing import NDArray

__all__ = ["contraction", "gather", "train", "volley"]

_REFRACTORY_S = 0.003


def train(
    rng: np.random.Generator,
    time_s: Floats,
    rate_hz: Floats,
    *,
    interval_cv: float,
    doublet_share: float = 0.0,
) -> Floats:
    """Return the discharge times of one unit: a gamma renewal process run at a changing rate.

    Args:
        rng: Decides the intervals.
        time_s: Ascending times at which the rate is given.
        rate_hz: Discharges a second at those times; 0 where the unit is silent.
        interval_cv: Coefficient of variation of the intervals at a steady rate.
        doublet_share: Share of discharges followed by another within 3 to 10 ms.
    """
    passed = np.concatenate([[0.0], np.cumsum((rate_hz[1:] + rate_hz[:-1]) / 2 * np.diff(time_s))])
    total = float(passed[-1])
    shape = 1.0 / interval_cv**2
    draws = int(total + 6 * np.sqrt(total + 1)) + 4
    intervals = rng.gamma(shape, 1.0 / shape, draws)
    intervals[0] *= rng.uniform()
    due = np.cumsum(intervals)
    # The tiny slope keeps the curve invertible through silences.
    spikes = np.interp(due[due < total], passed + 1e-9 * np.arange(passed.size), time_s)
    extra = spikes[rng.uniform(size=spikes.size) < doublet_share]
    if extra.size:
        spikes = np.sort(np.concatenate([spikes, extra + rng.uniform(0.003, 0.010, extra.size)]))
    return spikes[np.concatenate([[True], np.diff(spikes) > _REFRACTORY_S])] if spikes.size else spikes


def contraction(
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
    """Return a voluntary contraction: recruitment by size and rates that rise with excitation.

    Args:
        rng: Decides the intervals.
        muscle: The muscle that contracts.
        number: Its index.
        time_s: Ascending times at which the excitation is given.
        excitation: Its drive, 0 to 1.
        interval_cv: 0.1 to 0.2 in voluntary contraction (DOMAIN: Minetto 2009 gives 0.446 for cramp).
        stretch: Duration factor of the potentials.
        gain: Amplitude factor of the potentials.
    """
    strongest = float(excitation.max(initial=0.0))
    trains = []
    for unit in np.flatnonzero(muscle.threshold < strongest):
        threshold = muscle.threshold[unit]
        share = (excitation - threshold) / (1.0 - threshold)
        least, most = muscle.least_rate_hz[unit], muscle.most_rate_hz[unit]
        rate_hz = np.where(share > 0, least + (most - least) * np.clip(1.6 * share, 0, 1), 0.0)
        trains.append((int(unit), train(rng, time_s, rate_hz, interval_cv=interval_cv)))
    return gather(number, trains, stretch=stretch, gain=gain)


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
    """Return a brief loose burst: each unit discharges about `discharges` times around `middle_s`."""
    trains = []
    for unit in units:
        times = rng.normal(middle_s, spread_s, 1 + rng.poisson(discharges - 1.0))
        trains.append((int(unit), np.sort(np.clip(times, middle_s - 2 * spread_s, middle_s + 2 * spread_s))))
    return gather(number, trains, stretch=stretch, gain=gain)


def gather(
    number: int,
    trains: list[tuple[int, Floats]],
    *,
    stretch: float | tuple[Floats, Floats] = 1.0,
    gain: float = 1.0,
) -> Discharges:
    """Merge trains of one muscle into discharges in order of time.

    Args:
        number: Index of the muscle.
        trains: Unit and its discharge times.
        stretch: Duration factor of the potentials: one number, or times and the factor at those times.
        gain: Amplitude factor of the potentials.
    """
    time_s = np.concatenate([times for _, times in trains]) if trains else np.zeros(0)
    unit = np.repeat([unit for unit, _ in trains], [times.size for _, times in trains]).astype(np.int64)
    order = np.argsort(time_s, kind="stable")
    time_s, unit = time_s[order], unit[order]
    factor = np.interp(time_s, *stretch) if isinstance(stretch, tuple) else np.full(time_s.size, stretch)
    return Discharges(number, time_s, unit, factor, np.full(time_s.size, gain))
