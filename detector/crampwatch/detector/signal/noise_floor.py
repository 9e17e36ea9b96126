"""The resting level of each channel: follows the night, and does not rise with a slow cramp.

Everything is measured against rest, and rest changes: gel dries, skin cools, a contact gets worse, lamps are switched.
A floor that follows quickly would take a cramp that builds up over 5 s for the new rest; one that never rises would
report a worse contact as activity for the rest of the night. The way out is to learn from quiet moments only, and to
have separate, slower rules for a level that stays.

Time is cut into slots of 5 s (1 s until five are known). Each slot of a channel is one of three:

- *quiet*: enough of its hops are below 2.2 times the floor they were compared with. The lower half of those gives the
  slot's resting power, corrected for having taken the lower half. The floor is the median over the slots of the last
  30 that are within 4 dB of the quietest: what else there was (tone, a restless quarter of an hour) is not rest.
- *loud*: not so. Its level is remembered, and becomes the new rest once loud slots in a row show what no muscle does: a
  level as steady as an amplifier for three minutes, or for half a minute with hops that vary as little as an
  electrode's noise. After 20 minutes it is the new rest whatever it looks like.
- *unknown*: too few of its hops are usable; nothing is learned.

The power of the mains is stored with each quiet slot, since part of it gets past the notches and is in the floor
(see `Pipeline`).

A recording may begin in the middle of a contraction, which then would be learned as rest. A personal calibration says
what rest to expect (`expect`); it holds until rest is seen, or until the level shows that the contact is worse than on
the evening of the calibration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONGEST_SLOT_HOPS", "NoiseFloor"]

Array = NDArray[np.float64]

_FIRST_SLOT_HOPS = 10  # at the start the floor is needed after a second
LONGEST_SLOT_HOPS = 50
"""Hops between two updates; every update falls on a multiple of the shorter first ones too."""

_FIRST_SLOTS = 5
_REMEMBERED_SLOTS = 30  # of 5 s: two and a half minutes follow a drying gel and a cooling foot
_QUIET_RATIO = 2.2  # a hop above this is activity and says nothing about rest
_FEWEST_QUIET = 3  # hops: the lower half of fewer is a matter of chance
_QUIET_SHARE = 0.3  # fewer may be the quietest moments of something that is not rest
_SAME_FLOOR_RATIO = 2.5  # slots within 4 dB of the quietest belong to the same rest
_QUIETEST = 0.15  # quantile that counts as the quietest slot: the very lowest may be a lead that came off
_LOWER_HALF_BIAS = 0.88  # mean of the lower half of chi-square means with some 50 degrees of freedom
_STEADY_SLOTS = 36  # three minutes
_STEADY_LOG_STD = 0.1  # 0.4 dB: an amplifier is this steady over three minutes, a muscle is not
_GIVE_UP_SLOTS = 240  # after 20 min without rest the level is the new rest
_NOISE_LOG_STD = 0.32  # of ten hops: 0.2 in noise at 500 Hz and more, 0.5 in a cramp; below 250 Hz both are alike
_FEWEST_STEADY = 7  # hops: a standard deviation of fewer is a matter of chance
_NOISE_SLOTS = 6  # half a minute of a level as steady as only an electrode's noise is
_NOISE_WAVERING = 0.22  # hops of noise up to 350 Hz differ by 0.17; of muscle, some 100 Hz wide, by 0.3 and more
_QUARTILES_APART = 1.349  # in standard deviations, of a normal distribution
_TINY = 1e-12  # keeps logarithms finite
_WORST_CONTACT_RATIO = 40.0  # 16 dB: a strong contraction is as steady as noise, but no contact gets so much worse
_PATIENT_SLOTS = 60  # a minute of 1 s slots: what a calibration expects is given up sooner than what was seen


@dataclass(slots=True)
class NoiseFloor:
    """Resting power of each channel from what is quiet, over the last two and a half minutes of rest.

    Attributes:
        least: Lowest floor (electrode noise, LSB), uV2; (channels,).
        quiet: Resting power of past slots, NaN where there was none, the latest last; (slots, channels).
        mains: Power the mains notches removed in those slots; (slots, channels).
        loud: Power of the latest loud slots; (slots, channels).
        wavering: How much the hops of those slots differ, a standard deviation of logarithms; (slots, channels).
        loud_slots: Consecutive loud slots up to now; (channels,).
        expected: Resting power to expect before any was seen, NaN where nothing is known; (channels,).
    """

    channels: int
    least: Array
    quiet: Array = field(init=False)
    mains: Array = field(init=False)
    loud: Array = field(init=False)
    wavering: Array = field(init=False)
    loud_slots: NDArray[np.int64] = field(init=False)
    expected: Array = field(init=False)

    def __post_init__(self) -> None:
        self.quiet = np.full((_REMEMBERED_SLOTS, self.channels), np.nan)
        self.mains = np.zeros((_REMEMBERED_SLOTS, self.channels))
        self.loud = np.full((_STEADY_SLOTS, self.channels), np.nan)
        self.wavering = np.full((_STEADY_SLOTS, self.channels), np.nan)
        self.loud_slots = np.zeros(self.channels, np.int64)
        self.expected = np.full(self.channels, np.nan)

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process."""
        return {
            "quiet": self.quiet,
            "mains": self.mains,
            "loud": self.loud,
            "wavering": self.wavering,
            "loud_slots": self.loud_slots,
            "expected": self.expected,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.quiet, self.mains, self.expected = state["quiet"], state["mains"], state["expected"]
        self.loud, self.wavering, self.loud_slots = state["loud"], state["wavering"], state["loud_slots"]

    def slot_hops(self) -> int:
        """Return the hops between two updates, which end at multiples of it: 1 s at first, then 5 s."""
        young = np.isnan(self.quiet[-_FIRST_SLOTS:]).any()
        return _FIRST_SLOT_HOPS if young else LONGEST_SLOT_HOPS

    def expect(self, power: Array) -> None:
        """Expect this power at rest until rest is seen: a night may begin in the middle of a contraction."""
        self.expected = power.copy()

    def levels(self) -> tuple[Array, Array]:
        """Return the resting power, NaN where no rest was seen yet, and the power of the mains at that time.

        Both in uV2, (channels,). The part of the mains that gets past the notches is included in the former.
        """
        levels = np.array([self._channel_levels(channel) for channel in range(self.channels)])
        return levels[:, 0], levels[:, 1]

    def update(self, hop_power: Array, *, floor: Array, mains: Array) -> None:
        """Learn from the hops of a slot.

        Args:
            hop_power: Power of each hop, NaN where it is not usable; (hops, channels).
            floor: The floor with which those hops were compared, NaN where unknown; (hops, channels).
            mains: Power the mains notches removed meanwhile; (channels,).
        """
        is_known = np.isfinite(hop_power)
        is_quiet = is_known & ~(hop_power >= _QUIET_RATIO * floor)  # while no floor is known, every hop is
        # A slot has few hops, and lists of few numbers are several times faster than arrays of them.
        for channel, line in enumerate(mains.tolist()):
            known = hop_power[is_known[:, channel], channel].tolist()
            if len(known) >= _FEWEST_QUIET:
                quiet = hop_power[is_quiet[:, channel], channel].tolist()
                self._update_channel(channel, known, quiet, line)

    def _update_channel(self, channel: int, known: list[float], quiet: list[float], mains: float) -> None:
        if len(quiet) >= max(_FEWEST_QUIET, _QUIET_SHARE * len(known)):
            self._store_quiet(channel, _mean_of_lower_half(quiet), mains)
            self.loud_slots[channel] = 0
            return
        if np.isnan(self.quiet[:, channel]).all() and self._is_worse_contact(channel, known):
            self.expected[channel] = np.nan
            self._store_quiet(channel, _mean_of_lower_half(known), mains)
            return
        _append_slot(self.loud, channel, _mean_of_lower_half(known))
        _append_slot(self.wavering, channel, _log_spread(known))
        self.loud_slots[channel] += 1
        slots = self._new_rest_slots(channel)
        if slots:
            self.quiet[:, channel] = np.nan
            self._store_quiet(channel, float(np.median(self.loud[-slots:, channel])), mains)
            self.loud_slots[channel] = 0

    def _store_quiet(self, channel: int, value: float, mains: float) -> None:
        _append_slot(self.quiet, channel, value)
        _append_slot(self.mains, channel, mains)

    def _new_rest_slots(self, channel: int) -> int:
        """Return from how many of the latest loud slots a new rest follows; 0 where it is none."""
        count = int(self.loud_slots[channel])
        if count >= _GIVE_UP_SLOTS:
            return _STEADY_SLOTS
        if count >= _STEADY_SLOTS and self._is_steady(channel, _STEADY_SLOTS):
            return _STEADY_SLOTS
        if count < _NOISE_SLOTS or not self._is_steady(channel, _NOISE_SLOTS):
            return 0
        is_noise = float(np.median(self.wavering[-_NOISE_SLOTS:, channel])) < _NOISE_WAVERING
        return _NOISE_SLOTS if is_noise else 0

    def _is_steady(self, channel: int, slots: int) -> bool:
        return float(np.std(np.log(self.loud[-slots:, channel] + np.finfo(float).tiny))) < _STEADY_LOG_STD

    def _is_worse_contact(self, channel: int, known: list[float]) -> bool:
        """Whether a level above the expected rest is noise, which is steady, and not a contraction."""
        is_steady = len(known) >= _FEWEST_STEADY and float(np.std(np.log(known))) < _NOISE_LOG_STD
        is_possible = fmean(known) < _WORST_CONTACT_RATIO * float(self.expected[channel])
        return (is_steady and is_possible) or self.loud_slots[channel] >= _PATIENT_SLOTS

    def _channel_levels(self, channel: int) -> tuple[float, float]:
        slots = self.quiet[:, channel].tolist()
        known = sorted([power for power in slots if not math.isnan(power)])
        least = float(self.least[channel])
        if not known:
            return float(np.maximum(self.expected[channel], least)), 0.0  # NaN stays
        highest = _SAME_FLOOR_RATIO * known[int(_QUIETEST * (len(known) - 1))]
        beside = zip(slots, self.mains[:, channel].tolist(), strict=True)
        mains = sorted([mains for power, mains in beside if power <= highest])
        middle, odd = divmod(len(mains), 2)
        return max(known[middle], least), mains[middle] if odd else 0.5 * (mains[middle - 1] + mains[middle])


def _append_slot(memory: Array, channel: int, latest: float) -> None:
    memory[:-1, channel] = memory[1:, channel]
    memory[-1, channel] = latest


def _log_spread(powers: list[float]) -> float:
    """Return the standard deviation of logarithms, from the middle half: a twitch in a slot does not matter."""
    ordered = sorted(powers)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return math.log(max(high, _TINY) / max(low, _TINY)) / _QUARTILES_APART


def _mean_of_lower_half(values: list[float]) -> float:
    """Return the mean power of resting hops, from the lower half of them: activity in the others does not matter."""
    lower = sorted(values)[: (len(values) + 1) // 2]
    return sum(lower) / len(lower) / _LOWER_HALF_BIAS
