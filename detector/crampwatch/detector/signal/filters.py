"""The filter chain as one linear system, run in blocks: any number of channels or sensors stacked, state carried.

The chain separates three bands (`Bands`)::

    samples -+- high-pass 20 Hz -- low-pass 350 Hz -- notches -+- EMG
             |                                                 +- what the notches removed: mains
             +- band-pass 1.5-12 Hz -------------------------- motion

A cascade of biquads is one linear system ``s' = A s + B x, y = C s + D x``. Run sample by sample it is a recursion that
Python cannot do fast. But over a block of L samples it is three small matrix products (outputs from inputs, outputs
from the state, state from inputs), and the states at the block borders follow in the same way, for groups of blocks.
The result equals the recursion to rounding, at the speed of a matrix product. Motion and mains are only needed as a
power in each hop, so they are computed at a few points of a hop only: they are rows of the same matrices, left out.

Invariant: the output depends on the samples only, not on how they were cut into calls of `FilterChain.run`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from crampwatch.detector.signal.biquad import high_pass, low_pass, notch
from crampwatch.detector.signal.grid import Grid
from numpy.typing import NDArray

__all__ = ["Bands", "FilterChain", "emg_band_hz"]

Array = NDArray[np.float64]

_HIGH_PASS_HZ = 20.0
"""De Luca 2010 (J Biomech 43:1573): a 20 Hz corner keeps motion out; of fourth order, as moving cables give mV."""
_LOW_PASS_HZ = 350.0  # 89-98 % of real burst power lies below 250 Hz; the rest is mostly amplifier noise
_MOTION_BAND_HZ = (1.5, 12.0)  # a foot moves electrodes at a few Hz; drift is slower, muscle faster
_MAINS_HZ = (50.0, 60.0)  # both: a recording does not say where it was made, and each notch costs muscle little
_MAINS_HARMONICS = 5  # up to 250 and 300 Hz: higher ones are weak, and the low-pass is near
_MAINS_WIDTH_HZ = 3.0  # holds the line 29 dB down while the grid is within 0.05 Hz
_LONGEST_BLOCK = 128  # samples; a matrix of the square of it still fits the processor's cache
_MOTION_POINTS = 10  # samples a hop are enough for a band below 12 Hz
_MAINS_POINTS = 25  # irregular points measure a line's power without beating with it
_NEGLIGIBLE = 1e-30  # of the state: groups so far back contribute less than rounding does
_GROUP = 16  # blocks: as many steps one after the other, each for all groups of a minute side by side


@dataclass(frozen=True, slots=True)
class Bands:
    """The bands that the chain separates.

    Attributes:
        emg: Muscle activity: above 20 Hz, mains removed; (hop_samples, hops, channels).
        motion: 1.5-12 Hz at a few points of each hop; (points, hops, channels).
        mains: What the mains notches removed, at a few points of each hop; (points, hops, channels).
    """

    emg: Array
    motion: Array
    mains: Array


@dataclass(slots=True)
class FilterChain:
    """The filter chain of one stream, or of several of one rate side by side.

    Attributes:
        channels: Of all those streams.
        registers: What the filters remember of the samples so far; (channels, order).
    """

    rate_hz: float
    channels: int
    registers: Array = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        if not self.registers.size:
            self.registers = np.zeros((self.channels, len(_blocks_at(self.rate_hz).carry)))

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process."""
        return {"state": self.registers}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.registers = state["state"]

    def run(self, samples: Array) -> Bands:
        """Filter whole hops, (hop_samples, hops, channels), that follow the ones before."""
        system = _blocks_at(self.rate_hz)
        hop_samples, hops, channels = samples.shape
        per_hop = hop_samples // system.length
        blocks = samples.reshape(per_hop, system.length, hops, channels).transpose(1, 2, 0, 3)
        driven = system.from_input @ blocks.reshape(system.length, -1)
        order = len(system.carry)
        outputs = driven[order:]
        outputs += system.from_state @ self._border_states(system, driven[:order].T).T
        by_hop = outputs.reshape(-1, hops, per_hop, channels).transpose(2, 0, 1, 3)
        emg, motion, mains = np.split(by_hop, system.borders, axis=1)
        shape = (-1, hops, channels)
        return Bands(emg.reshape(shape), motion.reshape(shape), mains.reshape(shape))

    def _border_states(self, system: "_Blocks", added: Array) -> Array:
        """Return the state before each block, from what each adds to it; store the one after the last.

        The blocks of a group are processed one after the other, those of all groups side by side; then the state is
        carried from group to group, and its effect within each is added.

        Args:
            system: The chain.
            added: State that the inputs of each block lead to; (blocks * channels, order).
        """
        order, count = len(system.carry), len(added) // self.channels
        size = min(_GROUP, count)
        groups = -(-count // size)
        by_group = np.zeros((groups, size, self.channels * order))
        by_group.reshape(-1, order)[: len(added)] = added
        after = by_group.swapaxes(0, 1).reshape(size, -1, order)
        for place in range(1, size):
            after[place] += after[place - 1] @ system.carry
        after += self._group_states(system.carried[size - 1], after[-1]) @ system.carried[:size]
        in_order = after.reshape(size, groups, -1).swapaxes(0, 1).reshape(-1, order)
        states = np.concatenate([self.registers, in_order[: len(added)]])
        self.registers = states[-self.channels :].copy()
        return states[: -self.channels]

    def _group_states(self, carry: Array, added: Array) -> Array:
        """Return the state before each group, summed up over one, two, four... groups."""
        states = np.concatenate([self.registers, added[: -self.channels]])
        reach = self.channels
        while reach < len(states) and np.abs(carry).max() > _NEGLIGIBLE:
            states[reach:] += states[:-reach] @ carry
            reach, carry = 2 * reach, carry @ carry
        return states


def emg_band_hz(rate_hz: float) -> tuple[float, float]:
    """Return the pass band for muscle activity at a sampling rate, Hz; empty (low >= high) if the rate is too low."""
    return _HIGH_PASS_HZ, min(_LOW_PASS_HZ, 0.45 * rate_hz)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The linear system over blocks of `length` samples.

    Attributes:
        length: Samples in a block.
        carry: Maps the state before a block to its share of the state after it; multiplied from the right, as states
            are rows; (order, order).
        carried: The same over one block, two, three...; (_GROUP, order, order).
        from_input: Maps a block's samples to the state after it, then the outputs; (order + outputs, length).
        from_state: Maps the state before a block to its share of the outputs; (outputs, order).
        borders: Where among the outputs motion and mains begin; the EMG comes first.
    """

    length: int
    carry: Array
    carried: Array
    from_input: Array
    from_state: Array
    borders: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _System:
    """``s' = a s + b x``, ``y = c s + d x`` for one input and several outputs."""

    a: Array
    b: Array
    c: Array
    d: Array


@lru_cache(maxsize=32)
def _blocks_at(rate_hz: float) -> _Blocks:
    grid = Grid.at_rate(rate_hz)
    length = grid.hop_samples if grid.hop_samples <= _LONGEST_BLOCK else grid.bin_samples
    system = _build_chain(rate_hz)
    order = len(system.a)
    powers = [np.eye(order)]
    for _ in range(length):
        powers.append(system.a @ powers[-1])
    from_state = np.stack([system.c @ power for power in powers[:length]])  # (length, outputs, order)
    from_input = _impulse_responses(system, from_state, length)
    motion, mains = _even_points(length, grid.hop_samples), _irregular_points(length, grid.hop_samples)
    computed = [(np.arange(length), 0), (motion, 1), (mains, 2)]
    state_from_input = np.stack([powers[length - 1 - i] @ system.b for i in range(length)], axis=1)
    carry = powers[length].T.copy()
    return _Blocks(
        length=length,
        carry=carry,
        carried=np.stack([np.linalg.matrix_power(carry, blocks) for blocks in range(1, _GROUP + 1)]),
        from_input=np.vstack([state_from_input, *(from_input[:, places, output].T for places, output in computed)]),
        from_state=np.vstack([from_state[places, output] for places, output in computed]),
        borders=(length, length + len(motion)),
    )


def _impulse_responses(system: _System, from_state: Array, length: int) -> Array:
    """Return the response at each place of a block to an impulse at each earlier one; (length, length, outputs)."""
    impulse = np.concatenate([system.d[None], from_state[: length - 1] @ system.b])
    response = np.zeros((length, length, len(system.d)))
    for place in range(length):
        response[place, place:] = impulse[: length - place]
    return response


def _even_points(length: int, hop_samples: int) -> NDArray[np.intp]:
    per_block = max(1, round(_MOTION_POINTS * length / hop_samples))
    return np.linspace(0, length - 1, min(per_block, length)).round().astype(np.intp)


def _irregular_points(length: int, hop_samples: int) -> NDArray[np.intp]:
    """Return about 25 places in each hop, the golden ratio apart, so that no harmonic always has the same phase."""
    count = min(length, max(1, round(_MAINS_POINTS * length / hop_samples)))
    places = (np.arange(1, count + 1) * 0.6180339887498949) % 1.0 * length
    return np.unique(places.astype(np.intp))


def _build_chain(rate_hz: float) -> _System:
    """Return the complete chain; outputs: EMG band, motion band, mains."""
    nyquist = rate_hz / 2
    first = _cascade_sections(high_pass(4, min(_HIGH_PASS_HZ, 0.4 * rate_hz), rate_hz))
    if nyquist > 1.15 * _LOW_PASS_HZ:  # otherwise there is hardly anything above it
        first = _connect_in_series(first, _cascade_sections(low_pass(2, _LOW_PASS_HZ, rate_hz)))
    both = _with_removed(first, _mains_notches(rate_hz))
    motion_top = min(_MOTION_BAND_HZ[1], 0.3 * rate_hz)
    bottom = min(_MOTION_BAND_HZ[0], 0.1 * motion_top)
    motion = _cascade_sections(np.vstack([high_pass(2, bottom, rate_hz), low_pass(2, motion_top, rate_hz)]))
    return _side_by_side(both, motion)


def _mains_notches(rate_hz: float) -> Array:
    lines = [base * n for base in _MAINS_HZ for n in range(1, _MAINS_HARMONICS + 1)]
    in_band = sorted({line for line in lines if line < 0.47 * rate_hz})
    return np.array([notch(line, _MAINS_WIDTH_HZ, rate_hz) for line in in_band]).reshape(-1, 6)


def _cascade_sections(sos: Array) -> _System:
    """Return second-order sections, (n, 6), one after the other."""
    system = _System(np.zeros((0, 0)), np.zeros(0), np.zeros((1, 0)), np.ones(1))
    for section in sos:
        system = _connect_in_series(system, _biquad_system(section))
    return system


def _biquad_system(section: Array) -> _System:
    """Return one second-order section in transposed direct form II."""
    b0, b1, b2, _, a1, a2 = section
    a = np.array([[-a1, 1.0], [-a2, 0.0]])
    return _System(a, np.array([b1 - a1 * b0, b2 - a2 * b0]), np.array([[1.0, 0.0]]), np.array([b0]))


def _connect_in_series(first: _System, then: _System) -> _System:
    """Return `then` fed by the last output of `first`."""
    n, m = len(first.a), len(then.a)
    a = np.zeros((n + m, n + m))
    a[:n, :n], a[n:, n:], a[n:, :n] = first.a, then.a, np.outer(then.b, first.c[-1])
    c = np.hstack([np.outer(then.d, first.c[-1]), then.c])
    return _System(a, np.concatenate([first.b, then.b * first.d[-1]]), c, then.d * first.d[-1])


def _with_removed(first: _System, notches: Array) -> _System:
    """Return two outputs: after the notches, and what they removed."""
    joined = _connect_in_series(first, _cascade_sections(notches))
    before = np.hstack([first.c, np.zeros((1, len(joined.a) - len(first.a)))])
    return _System(
        joined.a, joined.b, np.vstack([joined.c, before - joined.c]), np.concatenate([joined.d, first.d - joined.d])
    )


def _side_by_side(chain: _System, motion: _System) -> _System:
    """Return both systems fed by the same samples; outputs in the order of `Bands`."""
    n, m = len(chain.a), len(motion.a)
    a = np.zeros((n + m, n + m))
    a[:n, :n], a[n:, n:] = chain.a, motion.a
    c = np.zeros((3, n + m))
    c[[0, 2], :n], c[1, n:] = chain.c, motion.c[0]
    return _System(a, np.concatenate([chain.b, motion.b]), c, np.array([chain.d[0], motion.d[0], chain.d[1]]))
