"""The present state of a sensor: rest, active, cramp, or why nothing can be said about the muscle.

Good signal changes the state at once. A bad signal has to persist for a second, since a lost packet or a click is no
state of the sensor; until then the last state remains.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.model.events import QUALITY_BITS, SignalState, StateChange
from crampwatch.detector.signal.quality import BLOCKING_BITS, OFF_BODY_BITS
from crampwatch.protocol.kinds import EpisodeKind, Quality
from numpy.typing import NDArray

__all__ = ["SignalStateMachine", "SignalStateRecord", "signal_codes"]

_PERSIST_HOPS = 10  # 1 s: a lost packet or a click takes less

_BY_CODE = (SignalState.REST, SignalState.POOR_SIGNAL, SignalState.OFF_BODY, SignalState.NO_DATA)
"""The state that each signal code stands for, as long as no episode is under way."""


@dataclass(frozen=True, slots=True)
class SignalStateRecord:
    """What has to be carried over to another process.

    Attributes:
        state: State that was reported last; None before the first.
        code: Signal code of the latest hop (see `signal_codes`); -1 before the first.
        run: Consecutive hops with this code.
    """

    state: SignalState | None = None
    code: int = -1
    run: int = 0


def signal_codes(bits: NDArray[np.uint16]) -> NDArray[np.int8]:
    """Return a code for each hop, from the quality bits of all its channels, (hops, channels).

    0: at least one channel is usable; 1: all are blocked; 2: all are off the body; 3: no channel has data.
    """
    if not (bits & BLOCKING_BITS).any():  # as nearly always; the bits below are among these
        return np.zeros(len(bits), np.int8)
    blocked = ((bits & BLOCKING_BITS) != 0).all(axis=1)
    off = ((bits & OFF_BODY_BITS) != 0).all(axis=1)
    absent = ((bits & QUALITY_BITS[Quality.NO_DATA]) != 0).all(axis=1)
    return np.where(absent, 3, np.where(off, 2, np.where(blocked, 1, 0))).astype(np.int8)


class SignalStateMachine:
    """Reports when the state changes."""

    def __init__(self) -> None:
        self.restore(SignalStateRecord())

    def state(self) -> SignalStateRecord:
        """Return what has to be carried over to another process."""
        return SignalStateRecord(self._state, self._code, self._run)

    def restore(self, record: SignalStateRecord) -> None:
        """Continue from what `state` returned."""
        self._state, self._code, self._run = record.state, record.code, record.run

    def push_quiet(self, first_hop: int, codes: NDArray[np.int8], hop_samples: int) -> list[StateChange]:
        """Push the codes of consecutive hops without any episode."""
        if self._code == 0 and self._state is SignalState.REST and not codes.any():
            self._run += len(codes)
            return []
        changes: list[StateChange] = []
        for place, code in enumerate(codes.tolist()):
            changes += self.push((first_hop + place + 1) * hop_samples, code, kinds=())
        return changes

    def push(self, index: int, code: int, *, kinds: Collection[EpisodeKind | None]) -> list[StateChange]:
        """Push one hop that ends at sample `index`, with the kinds of the episodes under way."""
        self._run = self._run + 1 if code == self._code else 1
        self._code = code
        if code and self._run < _PERSIST_HOPS:
            return []
        state = _BY_CODE[code]
        if kinds:
            state = SignalState.CRAMP if EpisodeKind.CRAMP in kinds else SignalState.ACTIVE
        if state is self._state:
            return []
        self._state = state
        return [StateChange(index, state)]
