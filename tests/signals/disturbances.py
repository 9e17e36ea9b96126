"""One disturbance at a time, added to contractions that are found without it; shares no code with the simulator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.pipeline.batch import EpisodeCollector
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.detector.scoring.recording import Detections, score_recording
from crampwatch.detector.scoring.revisions import TrailCollector
from crampwatch.protocol.kinds import EpisodeKind
from signals.detector_recordings import Array, stream
from signals.muscle_generator import Scene, cramp, hold, twitch

__all__ = ["DISTURBANCES", "LIMITS", "Found", "cramps_and_holds", "found_with"]

_RATE_HZ: Final = 1000.0
_LSB_UV: Final = 0.2
_COARSE_UV: Final = 5.0
_FLOOR_UV: Final = 2.0
_CRAMPS: Final = 8


@dataclass(frozen=True)
class Found:
    """How many cramps of one or several scenes were found."""

    cramps: int = 0
    found: int = 0
    false: int = 0

    def __add__(self, other: "Found") -> "Found":
        return Found(self.cramps + other.cramps, self.found + other.found, self.false + other.false)


def cramps_and_holds(seed: int) -> Scene:
    """Return eight cramps, each followed by a twitch and a voluntary hold of both muscles, in some 15 minutes."""
    rng = np.random.default_rng(seed)
    scene = Scene(rng, _RATE_HZ, 2, 1500.0, _FLOOR_UV, strength=2.0)
    end_s = 20.0
    for act in [cramp, twitch, hold] * _CRAMPS:
        end_s = max(end_s, act(scene, end_s + rng.uniform(6.0, 12.0)))
    scene.emg = scene.emg[: round((end_s + 20.0) * _RATE_HZ)]
    return scene


def found_with(disturbance: str, scene: Scene) -> Found:
    """Return what the detector finds in a scene with the disturbance of that name."""
    t_s = np.arange(len(scene.emg)) / _RATE_HZ
    emg = {**DISTURBANCES, **LIMITS}[disturbance](scene.emg.copy(), t_s, np.random.default_rng(7))
    step_uv = _COARSE_UV if disturbance == "steps of 5 µV" else _LSB_UV
    detector, collector = Pipeline(stream(_RATE_HZ, emg.shape[1], step_uv)), EpisodeCollector()
    events = [*detector.push(0, np.round(emg / step_uv) * step_uv), *detector.finish()]
    collector.update(events)
    trails = TrailCollector()
    trails.update([event for event in events if isinstance(event, Episode)])
    detections = Detections(tuple(collector.episodes()), trails.trails(), float(t_s[-1]))
    tally = score_recording(list(scene.events), detections).tallies[EpisodeKind.CRAMP]
    return Found(tally.events, tally.found, tally.false)


Disturb = Callable[[Array, Array, np.random.Generator], Array]


def _mains(t_s: Array, size_uv: float) -> Array:
    lines = ((1, 1.0), (2, 0.1), (3, 0.4), (5, 0.2))
    waves = [share * np.sin(2 * np.pi * 50.0 * order * t_s) for order, share in lines]
    return np.asarray(size_uv * np.sum(waves, axis=0))[:, None]


def _standing_mains(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:
    return np.asarray(emg + _mains(t_s, 200.0) * rng.uniform(0.5, 1.0, emg.shape[1]))


def _switched_mains(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:
    sizes = rng.uniform(0.3, 1.5, 1 + int(t_s[-1] // 100.0))[(t_s // 100.0).astype(int)]
    is_on = t_s % 100.0 < 50.0
    return np.asarray(emg + _mains(t_s, 100.0) * (sizes * is_on)[:, None])


def _heart(emg: Array, t_s: Array, rng: np.random.Generator, *, size_uv: float) -> Array:
    beats_s = np.cumsum(rng.normal(0.95, 0.04, round(t_s[-1] / 0.9)))
    wave_s = np.arange(-0.06, 0.08, 1.0 / _RATE_HZ)
    waves = ((-0.2, -0.025, 0.008), (1.0, 0.0, 0.010), (-0.35, 0.028, 0.010))
    shape = np.sum([size * np.exp(-0.5 * ((wave_s - at_s) / width_s) ** 2) for size, at_s, width_s in waves], axis=0)
    train = np.zeros(len(t_s))
    train[(beats_s[beats_s < t_s[-1] - 0.2] * _RATE_HZ).astype(int)] = 1.0
    return np.asarray(emg + size_uv * np.convolve(train, shape, "same")[:, None])


def _worse_contact(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:
    noise = rng.normal(0.0, _FLOOR_UV * np.sqrt(3.0), emg.shape)
    return emg + noise * (t_s % 240.0 > 120.0)[:, None]


def _gaps(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:
    for begin_s in np.arange(5.0, t_s[-1] - 5.0, 10.0) + rng.uniform(-2.0, 2.0):
        emg[round(begin_s * _RATE_HZ) : round((begin_s + rng.uniform(0.05, 1.5)) * _RATE_HZ)] = np.nan
    return emg


def _sweat(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:
    phases = rng.uniform(0.0, 6.28, emg.shape[1])
    return emg + 1000.0 * np.sin(2 * np.pi * 0.2 * t_s[:, None] + phases)


def _drying(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:  # noqa: ARG001 - one signature for all
    return np.asarray(emg * np.exp(np.log(0.3) * t_s / t_s[-1])[:, None])


def _as_it_is(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:  # noqa: ARG001 - as above
    return emg


def _swapped(emg: Array, t_s: Array, rng: np.random.Generator) -> Array:  # noqa: ARG001 - as above
    return -emg


DISTURBANCES: Final[dict[str, Disturb]] = {
    "none": _as_it_is,
    "mains of 100 to 200 µV": _standing_mains,
    "mains of 30 to 150 µV, off and on again": _switched_mains,
    "heartbeats of 15 µV": partial(_heart, size_uv=15.0),
    "noise of twice the strength, 2 min of 4": _worse_contact,
    "a gap of up to 1.5 s every 10 s": _gaps,
    "slow waves of 1 mV, as from sweat": _sweat,
    "a gain that falls to 30 %": _drying,
    "steps of 5 µV": _as_it_is,
    "polarity swapped": _swapped,
}
"""Functions that disturb a recording, by a readable name."""

LIMITS: Final[dict[str, Disturb]] = {"heartbeats of 80 µV": partial(_heart, size_uv=80.0)}
"""Disturbances that are known to hide cramps."""
