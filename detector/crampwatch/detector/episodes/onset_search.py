"""Where an episode begins: traced back from its trigger, or found on top of a weaker one. Pure functions of history.

A trigger needs power that resting noise hardly ever reaches, so it comes late: the first motor unit of a cramp fires
a second or more before the sum of many units triggers. A single discharge, on the other hand, stands out of the noise
in its 20 ms. So the onset is found in two steps: a safe trigger, then the train of discharges that leads up to it.

The other two functions answer whether a new contraction starts while a weaker episode is still under way on the same
channel. Without them, a movement on top of a slight tone, or of a contact that got worse, would take over the tone's
onset, and its own rise, by which a movement is distinguished from a cramp, would be hidden.
"""

import math
from statistics import median

import numpy as np
from crampwatch.detector.signal.grid import BINS_PER_HOP, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.nan import filled

__all__ = ["LONGEST_LOOK_BACK_S", "find_burst", "find_first_discharge", "find_outgrowth"]

LONGEST_LOOK_BACK_S = 3.0
"""Longest time from an onset to its trigger: a cramp builds up over some seconds from its first units."""

_DISCHARGE_GAP_S = 0.4  # sputtering units fire at 6 a second and irregularly: further apart is another event
_DISCHARGE_RATIO = 4.0  # power over the floor at which 20 ms hold a discharge, next to a trigger; 6 dB

_BURST_RATIO = 25.0  # 14 dB within a tenth of a second: no recruitment is that fast but a jerk or a ballistic movement
_BEFORE_BINS, _BURST_BINS = 50, 2 * BINS_PER_HOP  # compared: the last 0.2 s with the second before

_OUTGROWTH_RATIO = 12.0  # 11 dB over what was held evenly: another contraction, or one after a worse contact
_EVEN_RATIO = 2.5  # 4 dB above its median: what stays below was held evenly
_WEAK_HOPS, _STRONG_HOPS = 40, 20  # compared: 4 s of the weak one, then 2 s in which the strong one came
_LATEST_HOPS = 5  # of the latter: the latest half second, so that a twitch is no contraction


def find_first_discharge(
    history: History, grid: Grid, *, channel: int, trigger_bin: int, hop: int, earliest_bin: int
) -> int:
    """Return the first bin of the train of discharges that ends at `trigger_bin`, which lies in `hop`.

    It is not before `earliest_bin`, where another episode ended.
    """
    base = history.first_hop * BINS_PER_HOP
    floor = history.floor[hop - history.first_hop, channel]
    first = max(earliest_bin, base, trigger_bin - round(LONGEST_LOOK_BACK_S / grid.bin_s))
    power = filled(history.measures.bin_power[first - base : trigger_bin - base, channel])
    bins = np.arange(first, first + len(power))
    usable = history.usable[bins // BINS_PER_HOP - history.first_hop, channel]
    onset = trigger_bin
    for place in bins[(power > _DISCHARGE_RATIO * floor) & usable][::-1].tolist():
        if (onset - place) * grid.bin_s > _DISCHARGE_GAP_S:
            break
        onset = place
    return onset


def find_burst(history: History, hop: int, channel: int) -> int | None:
    """Return the bin, within `hop` and the one before, at which a burst stands out from the second before them."""
    end = (hop - history.first_hop + 1) * BINS_PER_HOP
    power = history.measures.bin_power[:, channel]
    start = end - _BURST_BINS
    before, latest = power[max(0, start - _BEFORE_BINS) : start], power[start:end].tolist()
    # Nearly always the hop just before is as strong, which settles it without looking at all of them.
    if not max(latest) > _BURST_RATIO * max(before[-BINS_PER_HOP:].tolist(), default=math.inf):
        return None
    strongest = max(filter(math.isfinite, before.tolist()))
    place = next((place for place, one in enumerate(latest) if one > _BURST_RATIO * strongest), None)
    return None if place is None else (hop - 1) * BINS_PER_HOP + place


def find_outgrowth(history: History, hop: int, channel: int) -> int | None:
    """Return the first bin of a contraction far stronger than what was held evenly in the seconds before it.

    The last 2 s are looked at; None if some of the last 6 s are missing.
    """
    end, length = hop - history.first_hop + 1, _WEAK_HOPS + _STRONG_HOPS
    power = history.measures.power[max(0, end - length) : end, channel].tolist()
    if len(power) < length or not all(map(math.isfinite, power)):
        return None
    before, since = sorted(power[:_WEAK_HOPS]), power[_WEAK_HOPS:]
    weak = before[_WEAK_HOPS // 2]
    is_even = before[(9 * _WEAK_HOPS) // 10] < _EVEN_RATIO * weak
    if not is_even or median(since[-_LATEST_HOPS:]) < _OUTGROWTH_RATIO * weak:
        return None
    place = max((place for place, one in enumerate(since) if one < _EVEN_RATIO * weak), default=-1) + 1
    return (hop + 1 - len(since) + place) * BINS_PER_HOP
