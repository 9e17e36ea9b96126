"""The present state of a sensor: rest, active, cramp, or why nothing can be said."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from crampwatch.detector.model.events import QUALITY_BITS, SignalState, StateChange
from crampwatch.detector.signal.quality import BLOCKING_BITS, OFF_BODY_BITS
from crampwatch.protocol.kinds import EpisodeKind, Quality
from numpy.typing import NDArray

__all__ = ["StateMachine"]

_PERSIST_HOPS = 10  # a lost packet or a plop is no state; a second of it is

_BY_CODE = (SignalState.REST, SignalState.POOR_SIGNAL, SignalState.OFF_BODY, SignalState.NO_DATA)


@dataclass(slots=True)
class StateMachine:
    """Says when the state changes; bad signal has to persist for a second.

    Attributes:
        state: State said last; None before the first.
        code: Signal code of the hops now running: 0 good, 1 poor, 2 off body, 3 no data.
        run: Hops in a row with this code.
    """

    state: SignalState | None = None
    code: int = -1
    run: int = 0

    def codes(self, bits: NDArray[np.uint16]) -> NDArray[np.int8]:
        """Return the signal code of each hop from the quality bits of all its channels."""
        if not (bits & BLOCKING_BITS).any():  # as nearly always; the bits below are among these
            return np.zeros(len(bits), np.int8)
        blocked = ((bits & BLOCKING_BITS) != 0).all(axis=1)
        off = ((bits & OFF_BODY_BITS) != 0).all(axis=1)
        absent = ((bits & QUALITY_BITS[Quality.NO_DATA]) != 0).all(axis=1)
        return np.where(absent, 3, np.where(off, 2, np.where(blocked, 1, 0))).astype(np.int8)

    def quiet(self, first_hop: int, codes: NDArray[np.int8], hop_samples: int) -> list[StateChange]:
        """Take hops without any episode."""
        if self.code == 0 and self.state is SignalState.REST and not codes.any():
            self.run += len(codes)
            return []
        changes: list[StateChange] = []
        for place, code in enumerate(codes.tolist()):
            changes += self.hop((first_hop + place + 1) * hop_samples, code, kinds=())
        return changes

    def hop(self, index: int, code: int, *, kinds: Collection[EpisodeKind | None]) -> list[StateChange]:
        """Take one hop that ends at sample `index`, with the kinds of the episodes under way."""
        self.run = self.run + 1 if code == self.code else 1
        self.code = code
        if code and self.run < _PERSIST_HOPS:
            return []
        state = _BY_CODE[code]
        if kinds:
            state = SignalState.CRAMP if EpisodeKind.CRAMP in kinds else SignalState.ACTIVE
        if state is self.state:
            return []
        self.state = state
        return [StateChange(index, state)]
