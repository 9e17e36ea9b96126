"""Walking: to the bathroom and back."""

from dataclasses import dataclass

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges, Span
from crampwatch.firmware_sim.physiology.disturbance import HeelStrikes, smooth_gate
from crampwatch.firmware_sim.physiology.electrode import scatter_over_channels
from crampwatch.firmware_sim.physiology.movement import contract_together, movement_artefact
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Walking"]

_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Walking:
    """Walking to the bathroom and back, with a pause in which the wearer stands.

    Attributes:
        duration_s: Seconds, including the pause.
        pause_s: Standing in the middle; 0 for none.
        stride_s: Time from heel strike to heel strike of the same foot.
        effort: Excitation of the muscles at push-off, 0 to 1.
        motion_uv: RMS of the motion artefact.
        lead_s: Not visible before its onset.
    """

    duration_s: float
    pause_s: float = 0.0
    stride_s: float = 1.1
    effort: float = 0.5
    motion_uv: float = 300.0
    lead_s: float = 0.0

    @property
    def extent_s(self) -> float:
        """Until the electrode voltage has settled."""
        return self.duration_s + 15.0

    def generate(self, onset_s: float, wearer: Wearer, rng: np.random.Generator) -> Activity:
        """Generate the walk."""
        pause = (0.5 * (self.duration_s - self.pause_s), 0.5 * (self.duration_s + self.pause_s))
        t_s = np.arange(0.0, self.duration_s, _STEP_S)
        standing = (t_s > pause[0]) & (t_s < pause[1])
        strides = t_s / self.stride_s + 0.08 * Noise(int(rng.integers(2**31)), 1).smooth(t_s / 1.5)
        discharges: list[Discharges] = []
        for number in range(len(wearer.muscles)):
            share = np.eye(len(wearer.muscles))[number]
            sway = np.clip(0.06 + 0.05 * Noise(int(rng.integers(2**31)), 2).smooth(t_s / 0.8), 0.0, None)
            drive = (
                self.effort
                * np.where(standing, sway, _draw_stance(strides, rng))
                * smooth_gate(t_s, 0, self.duration_s, 0.3)
            )
            discharges += contract_together(rng, wearer, onset_s + t_s, drive, share)
        strikes_s = np.interp(np.arange(1.0, strides[-1]), np.maximum.accumulate(strides), t_s)
        strikes_s = strikes_s[(strikes_s <= pause[0]) | (strikes_s >= pause[1])]
        disturbances = (
            movement_artefact(rng, wearer, onset_s, pause[0], self.motion_uv),
            movement_artefact(rng, wearer, onset_s + pause[1], self.duration_s - pause[1], self.motion_uv),
            HeelStrikes(onset_s + strikes_s, scatter_over_channels(rng, self.motion_uv, wearer.channels)),
        )
        span = Span(EpisodeKind.MOVEMENT, "walking", onset_s, onset_s + self.duration_s, is_bounded_by_discharges=False)
        return Activity(tuple(discharges), disturbances, spans=(span,))


def _draw_stance(strides: Floats, rng: np.random.Generator) -> Floats:
    """Return the drive of a muscle over strides: active from mid-stance to push-off, with its own phase and width."""
    middle, width = rng.uniform(0.3, 0.55), rng.uniform(0.08, 0.16)
    phase = (strides - middle + 0.5) % 1.0 - 0.5
    return np.asarray(np.exp(-0.5 * (phase / width) ** 2))
