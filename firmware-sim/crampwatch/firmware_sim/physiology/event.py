"""The interface of an event: something that can happen, with its parameters."""

from typing import Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity
from crampwatch.firmware_sim.physiology.wearer import Wearer

__all__ = ["Event"]


class Event(Protocol):
    """An event with its parameters, without a time; generating it draws everything else at random."""

    @property
    def lead_s(self) -> float:
        """How long before its onset it may already be visible."""

    @property
    def extent_s(self) -> float:
        """How long after its onset it may still be visible."""

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return what it does when it starts at `onset_s`; the same state of `rng` gives the same result."""
