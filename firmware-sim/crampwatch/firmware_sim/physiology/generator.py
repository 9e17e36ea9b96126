"""What every generator of events offers to a schedule."""

from typing import Protocol

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity
from crampwatch.firmware_sim.physiology.wearer import Wearer

__all__ = ["Generator"]


class Generator(Protocol):
    """A kind of event with its parameters; performing it draws the rest."""

    @property
    def lead_s(self) -> float:
        """How long before its onset it may already show."""

    @property
    def extent_s(self) -> float:
        """How long after its onset it may still show."""

    def perform(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Return all it does when it starts at `onset_s`."""
