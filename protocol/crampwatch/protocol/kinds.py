"""Vocabulary of results: kinds of episodes, signal quality, origin of data."""

from enum import StrEnum
from typing import Literal

__all__ = ["EpisodeKind", "Origin", "Quality", "Unit"]


class EpisodeKind(StrEnum):
    """What an episode of muscle activity most likely is. Surface EMG cannot prove that a contraction is involuntary."""

    CRAMP = "cramp"
    """Sustained contraction, likely involuntary."""
    TWITCH = "twitch"
    """Brief, likely involuntary burst: a fasciculation burst or jerk."""
    LEG_MOVEMENT = "leg_movement"
    """0.5 to 10 s, as candidate leg movements after AASM and WASM; not polysomnography."""
    MOVEMENT = "movement"
    """Likely voluntary or gross movement: toe curl, repositioning, walking."""
    RHYTHMIC = "rhythmic"
    """Rhythmic foot movement or tremor."""
    ARTEFACT = "artefact"
    """Electrode, cable, mains or dropout: never raises a notice."""


class Quality(StrEnum):
    """Problems that make a span of signal unreliable; a good signal has none."""

    LEAD_OFF = "lead_off"
    RAIL = "rail"
    CLIPPED = "clipped"
    COARSE_LSB = "coarse_lsb"
    MAINS = "mains"
    MOTION = "motion"
    FLAT = "flat"
    NO_DATA = "no_data"
    NARROW_BAND = "narrow_band"


class Origin(StrEnum):
    """Origin of data, marked on every message, page, file and report: a sensor, the simulator, or a recording."""

    LIVE = "live"
    DEMO = "demo"
    REPLAY = "replay"


Unit = Literal["uV", "relative"]
"""Of amplitudes: microvolts, or a sensor's own units where their scale is unknown."""
