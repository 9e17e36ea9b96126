"""A small generator of muscle activity, independent of the simulator, to try the detector on.

Motor units fire by renewal processes (irregular in a cramp, regular in a voluntary hold); each discharge is a damped
wave of 4-10 ms seen by every electrode with its own gain. Everything else is added as simple signals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

Array = NDArray[np.float64]
Drive = Callable[[Array], Array]


@dataclass(frozen=True)
class Event:
    kind: EpisodeKind
    label: str
    onset_s: float
    offset_s: float
    snr_db: float


@dataclass
class Scene:
    """A recording under construction."""

    rng: np.random.Generator
    rate_hz: float
    channels: int
    duration_s: float
    floor_uv: float
    strength: float = 1.0
    events: list[Event] = field(default_factory=list)
    emg: Array = field(init=False)

    def __post_init__(self) -> None:
        count = int(self.duration_s * self.rate_hz)
        self.emg = self.rng.normal(0.0, self.floor_uv, (count, self.channels))
        t_s = np.arange(count) / self.rate_hz
        for channel in range(self.channels):
            phase, size = self.rng.uniform(0, 6.28), self.rng.uniform(0.2, 4.0) * self.floor_uv
            self.emg[:, channel] += size * np.sin(2 * np.pi * 50.0 * t_s + phase)
            self.emg[:, channel] += 30.0 * np.sin(2 * np.pi * self.rng.uniform(0.05, 0.3) * t_s)
            self.emg[:, channel] += self.rng.uniform(-400, 400)

    def at(self, onset_s: float, length_s: float) -> tuple[slice, Array]:
        first = int(onset_s * self.rate_hz)
        last = min(len(self.emg), first + int(length_s * self.rate_hz))
        return slice(first, last), np.arange(last - first) / self.rate_hz

    def contract(
        self,
        onset_s: float,
        length_s: float,
        drive: Drive,
        gains: Array,
        *,
        irregularity: float,
        rate_pps: tuple[float, float] = (8.0, 18.0),
        units: int = 24,
        common_hz: float = 0.0,
    ) -> tuple[float, float, float]:
        """Add a contraction; return the visible onset, offset and SNR."""
        rows, t_s = self.at(onset_s, length_s)
        own = np.zeros((len(t_s), self.channels))
        level = drive(t_s)
        if common_hz:
            level = level * (1.0 + 0.35 * np.sin(2 * np.pi * common_hz * t_s + self.rng.uniform(0, 6.28)))
        thresholds = np.linspace(0.02, 0.75, units) ** 1.3
        for number, threshold in enumerate(thresholds):
            size = self.strength * 6.0 * np.exp(2.0 * number / units) * self.rng.uniform(0.7, 1.4)
            shares = gains * self.rng.uniform(0.5, 1.5, self.channels)
            own += self._unit(level, threshold, irregularity, rate_pps)[:, None] * size * shares
        self.emg[rows] += own
        return self._visible(own, onset_s)

    def _unit(self, level: Array, threshold: float, irregularity: float, rate_pps: tuple[float, float]) -> Array:
        train = np.zeros(len(level))
        place = self.rng.uniform(0.0, 0.1) * self.rate_hz
        while place < len(level):
            drive = level[int(place)]
            if drive < threshold:
                place += 0.01 * self.rate_hz
                continue
            train[int(place)] = 1.0
            rate = min(rate_pps[1], rate_pps[0] + (rate_pps[1] - rate_pps[0]) * (drive - threshold))
            shape = 1.0 / irregularity**2
            place += max(0.012, self.rng.gamma(shape, 1.0 / (rate * shape))) * self.rate_hz
        width_s = self.rng.uniform(0.0015, 0.0032)
        wave_s = np.arange(-5 * width_s, 5 * width_s, 1 / self.rate_hz) + self.rng.uniform(0, 1 / self.rate_hz)
        lobe = (wave_s / width_s) * np.exp(-0.5 * (wave_s / width_s) ** 2) * 1.65
        return np.convolve(train, lobe + self.rng.uniform(-0.4, 0.4) * np.gradient(lobe), "same")

    def _visible(self, own: Array, onset_s: float) -> tuple[float, float, float]:
        strongest = int((own**2).sum(axis=0).argmax())
        seen = np.flatnonzero(np.abs(own[:, strongest]) > 3.0 * self.floor_uv)
        if not len(seen):
            return onset_s, onset_s, -99.0
        part = own[seen[0] : seen[-1] + 1, strongest]
        snr_db = 10.0 * np.log10(np.mean(part**2) / self.floor_uv**2 + 1e-9)
        return onset_s + seen[0] / self.rate_hz, onset_s + (seen[-1] + 1) / self.rate_hz, float(snr_db)

    def note(self, kind: EpisodeKind, label: str, seen: tuple[float, float, float]) -> float:
        self.events.append(Event(kind, label, *seen))
        return seen[1]

    def shake(self, onset_s: float, length_s: float, size_uv: float) -> None:
        """Add moving electrodes: 1 to 9 Hz, on all channels."""
        rows, t_s = self.at(onset_s, length_s)
        hump = np.sin(np.pi * t_s / length_s) ** 0.5
        for channel in range(self.channels):
            wave = sum(
                np.sin(2 * np.pi * self.rng.uniform(1.0, 9.0) * t_s + self.rng.uniform(0, 6.28)) for _ in range(4)
            )
            self.emg[rows, channel] += size_uv * self.rng.uniform(0.4, 1.0) * hump * wave


def trapezoid(rise_s: float, hold_s: float, fall_s: float, level: float = 1.0, start: float = 0.0) -> Drive:
    """Return a drive that rises, holds and falls."""

    def drive(t_s: Array) -> Array:
        edges = [0.0, rise_s, rise_s + hold_s, rise_s + hold_s + fall_s]
        return np.interp(t_s, edges, [start * level, level, level, 0.0])

    return drive


def cramp(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    rise_s, hold_s, fall_s = (
        rng.uniform(1.0, 5.0),
        float(np.clip(rng.lognormal(3.4, 0.6), 9.0, 150.0)),
        rng.uniform(1, 8),
    )
    gains = rng.uniform(0.01, 0.14, scene.channels)
    place = int(rng.integers(scene.channels))
    gains[place] = 1.0
    if scene.channels > 1 and rng.uniform() < 0.15:
        gains[(place + 1) % scene.channels] = rng.uniform(0.2, 0.5)
    drive = trapezoid(rise_s, hold_s, fall_s, rng.uniform(0.45, 1.0), start=0.05)
    seen = scene.contract(
        onset_s,
        rise_s + hold_s + fall_s,
        drive,
        gains,
        irregularity=rng.uniform(0.35, 0.55),
        rate_pps=(6.0, rng.uniform(16.0, 25.0)),
        common_hz=rng.uniform(1.0, 1.8),
    )
    if rng.uniform() < 0.2:
        scene.shake(onset_s + rng.uniform(4.0, 8.0), rng.uniform(1.0, 3.0), rng.uniform(30.0, 200.0))
    return scene.note(EpisodeKind.CRAMP, "cramp", seen)


def hold(scene: Scene, onset_s: float, length_s: float | None = None) -> float:
    rng = scene.rng
    length_s = length_s or float(rng.uniform(3.0, 45.0))
    rise_s = rng.uniform(0.1, 0.6) if rng.uniform() < 0.85 else rng.uniform(0.6, 1.5)
    gains = rng.uniform(0.3, 1.0, scene.channels) if rng.uniform() < 0.9 else rng.uniform(0.15, 0.3, scene.channels)
    gains[int(rng.integers(scene.channels))] = 1.0
    drive = trapezoid(rise_s, length_s, rng.uniform(0.1, 0.6), rng.uniform(0.3, 1.0))
    seen = scene.contract(onset_s, length_s + 1.5, drive, gains, irregularity=rng.uniform(0.1, 0.2))
    if rng.uniform() < 0.6:
        scene.shake(max(0.0, seen[0] - rng.uniform(0.0, 0.4)), rng.uniform(0.4, 1.5), rng.uniform(20.0, 300.0))
        scene.shake(seen[1] - 0.3, rng.uniform(0.4, 1.2), rng.uniform(20.0, 300.0))
    return scene.note(EpisodeKind.MOVEMENT, "hold", seen)


def leg_movement(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    gains = rng.uniform(0.15, 1.0, scene.channels)
    gains[int(rng.integers(scene.channels))] = 1.0
    length_s = float(np.clip(rng.lognormal(0.7, 0.5), 0.5, 9.0))
    drive = trapezoid(rng.uniform(0.05, 0.4), length_s * 0.6, length_s * 0.4, rng.uniform(0.3, 1.0))
    seen = scene.contract(onset_s, length_s + 0.6, drive, gains, irregularity=0.2)
    if rng.uniform() < 0.5:
        scene.shake(seen[0], length_s, rng.uniform(10.0, 150.0))
    return scene.note(EpisodeKind.LEG_MOVEMENT, "leg_movement", seen)


def rhythm(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    hz, length_s = rng.uniform(0.4, 3.5), float(np.clip(rng.lognormal(2.5, 0.8), 5.0, 90.0))
    duty = rng.uniform(0.25, 0.55)
    gains = rng.uniform(0.05, 1.0, scene.channels)
    gains[int(rng.integers(scene.channels))] = 1.0
    size, jitter = rng.uniform(0.4, 1.0), rng.uniform(0.0, 0.6)

    def drive(t_s: Array) -> Array:
        phase = (t_s * hz + jitter * 0.2 * np.sin(2 * np.pi * 0.13 * t_s)) % 1.0
        beat: Array = np.where(phase < duty, size * np.sin(np.pi * np.minimum(phase / duty, 1.0)), 0.0)
        return beat

    seen = scene.contract(onset_s, length_s, drive, gains, irregularity=0.2)
    return scene.note(EpisodeKind.RHYTHMIC, "rhythmic", seen)


def tremor(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    hz, length_s = rng.uniform(4.5, 9.0), rng.uniform(5.0, 40.0)
    gains = rng.uniform(0.05, 1.0, scene.channels)
    gains[int(rng.integers(scene.channels))] = 1.0

    def drive(t_s: Array) -> Array:
        wave: Array = np.maximum(0.0, 0.1 + np.sin(2 * np.pi * hz * t_s)) * np.minimum(1.0, t_s + 0.2)
        return wave

    return scene.note(
        EpisodeKind.RHYTHMIC, "tremor", scene.contract(onset_s, length_s, drive, gains, irregularity=0.15)
    )


def repositioning(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    end_s, length_s = onset_s, rng.uniform(4.0, 35.0)
    while end_s < onset_s + length_s:
        gains = rng.uniform(0.3, 1.0, scene.channels)
        part_s = rng.uniform(0.6, 6.0)
        drive = trapezoid(rng.uniform(0.1, 0.8), part_s, rng.uniform(0.1, 0.8), rng.uniform(0.2, 1.0))
        seen = scene.contract(end_s, part_s + 1.6, drive, gains, irregularity=0.2)
        scene.shake(end_s, part_s + 1.0, 10 ** rng.uniform(1.5, 3.0))
        end_s = max(seen[1], end_s + part_s) + (rng.uniform(0.0, 1.0) if rng.uniform() < 0.4 else -0.3)
    return scene.note(EpisodeKind.MOVEMENT, "repositioning", (onset_s, end_s, 20.0))


def twitch(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    gains = rng.uniform(0.02, 0.6, scene.channels)
    gains[int(rng.integers(scene.channels))] = 1.0
    length_s = rng.uniform(0.06, 0.4)
    drive = trapezoid(0.02, length_s, 0.03, rng.uniform(0.3, 1.0), start=0.5)
    seen = scene.contract(onset_s, length_s + 0.2, drive, gains, irregularity=0.3, rate_pps=(20.0, 40.0))
    return scene.note(EpisodeKind.TWITCH, "twitch", seen)


def artefact(scene: Scene, onset_s: float) -> float:
    rng = scene.rng
    length_s = rng.uniform(0.5, 12.0)
    rows, t_s = scene.at(onset_s, length_s)
    choice = int(rng.integers(4))
    if choice == 0:
        scene.shake(onset_s, length_s, 10 ** rng.uniform(1.5, 3.2))
    elif choice == 1:
        for harmonic, size in ((1, 1.0), (3, 0.4), (5, 0.2)):
            scene.emg[rows] += rng.uniform(10, 120) * size * np.sin(2 * np.pi * 50 * harmonic * t_s)[:, None]
    elif choice == 2:
        scene.emg[rows, int(rng.integers(scene.channels))] = np.nan
    else:
        for _ in range(int(rng.integers(1, 4))):
            place = rng.uniform(0.0, length_s)
            scene.emg[rows] += 300.0 * np.exp(-np.maximum(t_s - place, 0) / 0.15)[:, None] * (t_s > place)[:, None]
    scene.events.append(Event(EpisodeKind.ARTEFACT, f"artefact{choice}", onset_s, onset_s + length_s, 0.0))
    return onset_s + length_s


MENU: dict[Callable[[Scene, float], float], float] = {
    cramp: 1.0,
    hold: 2.0,
    leg_movement: 2.0,
    rhythm: 1.0,
    tremor: 0.6,
    repositioning: 1.0,
    twitch: 3.0,
    artefact: 1.5,
}


def busy_scene(seed: int, *, rate_hz: float = 1000.0, channels: int = 2, duration_s: float = 900.0) -> Scene:
    """Return a scene with events of every kind, some seconds apart."""
    rng = np.random.default_rng(seed)
    floor_uv = float(10 ** rng.uniform(-0.1, 0.8))
    scene = Scene(rng, rate_hz, channels, duration_s, floor_uv, strength=float(10 ** rng.uniform(-0.2, 0.5)))
    acts, weights = list(MENU), np.array(list(MENU.values()))
    end_s = 6.0
    while True:
        act = acts[int(rng.choice(len(acts), p=weights / weights.sum()))]
        onset_s = end_s + rng.uniform(3.0, 15.0)
        if onset_s > duration_s - 60.0:
            return scene
        end_s = max(end_s, act(scene, onset_s))
