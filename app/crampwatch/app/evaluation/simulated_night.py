"""A simulated night as a case, cached on disk between runs if a folder for it is given."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from crampwatch.app.evaluation.case import OpenedCase
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment
from crampwatch.detector.calibration.calibration import Calibration, CalibrationRefusedError, Phase
from crampwatch.firmware_sim import physiology, scenarios
from crampwatch.firmware_sim.scenarios import PHASES_S, calibration_before, scenario
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.firmware_sim.simulated_recording import simulated_recording
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings import Recording
from crampwatch.recordings.recording import BLOCK_SAMPLES, Samples
from crampwatch.recordings.truth import decode_truth, encode_truth
from numpy.typing import NDArray

__all__ = ["SimulatedNight"]


@dataclass(frozen=True, slots=True)
class SimulatedNight:
    """One night of a scenario.

    Attributes:
        scenario: Name of the scenario.
        seed: Decides the wearer and everything that happens.
        hours: Length; None for the scenario's own.
        channels: Electrode pairs.
        rate_hz: Samples per second.
        scale_known: Whether the detector is given the scale in microvolts.
        kept_in: Folder that caches simulated nights; None simulates them every time.
        calibrated: Whether the wearer calibrates before the night; without calibration where that is refused.
    """

    scenario: str
    seed: int
    hours: float | None = None
    channels: int = 2
    rate_hz: float = 1000.0
    scale_known: bool = True
    kept_in: Path | None = None
    calibrated: bool = False

    @property
    def name(self) -> str:
        """Name for reports."""
        extras = [f"{self.channels} ch"] if self.channels != 2 else []
        extras += [f"{self.rate_hz:g} Hz"] if self.rate_hz != 1000.0 else []
        extras += [] if self.scale_known else ["unknown scale"]
        extras += ["calibrated"] if self.calibrated else []
        return ", ".join([f"{self.scenario} {self.seed}", *extras])

    @property
    def simulated(self) -> bool:
        """Always."""
        return True

    def open(self) -> OpenedCase:
        """Simulate the night, or open it from the cache.

        Raises:
            ConfigurationError: The scenario does not exist, or never ends.
        """
        source = scenario(self.scenario, seed=self.seed, hours=self.hours, channels=self.channels, rate_hz=self.rate_hz)
        if source.duration_samples is None:
            raise ConfigurationError(f"The scenario {self.scenario!r} never ends.", advice="Limit it with --hours.")
        if self.kept_in is None:
            opened = OpenedCase(simulated_recording(source), source.truth)
        else:
            opened = _CachedNight(self.kept_in / f"{self._cache_key()}").opened(source)
        opened = opened if self.scale_known else replace(opened, recording=_without_scale(opened.recording))
        return replace(opened, calibration=self._calibrate_wearer()) if self.calibrated else opened

    def _calibrate_wearer(self) -> Calibration | None:
        source = calibration_before(
            self.scenario, seed=self.seed, hours=self.hours, channels=self.channels, rate_hz=self.rate_hz
        )
        recording = simulated_recording(source) if self.scale_known else _without_scale(simulated_recording(source))
        builder = CalibrationBuilder(recording.stream)
        for chunk in recording.chunks(BLOCK_SAMPLES):
            builder.push(builder.next_index, chunk)
        spans = {Phase(name): span for name, span in PHASES_S.items()}
        segments = [Segment(phase, *(round(edge_s * self.rate_hz) for edge_s in span)) for phase, span in spans.items()]
        try:
            return builder.build(segments)
        except CalibrationRefusedError:
            return None

    def _cache_key(self) -> str:
        length = "" if self.hours is None else f"-{self.hours:g}h"
        return f"{self.scenario}-{self.seed}{length}-{self.channels}x{self.rate_hz:g}-{_generator_print()}"


class _CachedNight:
    """A rendered night on disk: counts as the sensor gives them, where they are missing, and the truth."""

    def __init__(self, stem: Path) -> None:
        self._counts, self._rest = (stem.with_name(stem.name + end) for end in (".counts.npy", ".npz"))

    def opened(self, source: SignalSource) -> OpenedCase:
        recording = simulated_recording(source)
        if not self._rest.exists():
            self._write_cache(recording, source)
        with np.load(self._rest) as rest:
            truth, missing = decode_truth(str(rest["truth"])), rest["missing"]
        return OpenedCase(
            replace(recording, blocks=partial(self._read_blocks, missing, recording.stream.lsb_uv)), truth
        )

    def _write_cache(self, recording: Recording, source: SignalSource) -> None:
        """Write a night; the small file last, so that an unfinished night is never mistaken for a complete one."""
        self._counts.parent.mkdir(parents=True, exist_ok=True)
        shape = (recording.sample_count or 0, recording.stream.channels)
        counts = np.lib.format.open_memmap(self._counts, mode="w+", dtype=np.int16, shape=shape)
        missing: list[tuple[int, int]] = []
        first = 0
        for block in recording.chunks(BLOCK_SAMPLES):
            gaps: NDArray[np.bool_] = np.asarray(np.isnan(block).any(axis=1))
            counts[first : first + len(block)] = np.rint(np.nan_to_num(block) / recording.stream.lsb_uv)
            missing += [(first + start, first + stop) for start, stop in _runs_of_true(gaps)]
            first += len(block)
        counts.flush()
        part = self._rest.with_suffix(".part.npz")
        np.savez(part, truth=encode_truth(source.truth), missing=np.array(missing, np.int64).reshape(-1, 2))
        part.replace(self._rest)

    def _read_blocks(self, missing: NDArray[np.int64], lsb_uv: float) -> Iterator[Samples]:
        counts = np.load(self._counts, mmap_mode="r")
        for first in range(0, len(counts), BLOCK_SAMPLES):
            block = counts[first : first + BLOCK_SAMPLES] * lsb_uv
            for start, stop in missing.tolist():
                block[max(start - first, 0) : max(stop - first, 0)] = math.nan
            yield block


def _runs_of_true(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _without_scale(recording: Recording) -> Recording:
    """Return the recording in counts of unknown scale."""
    lsb_uv = recording.stream.lsb_uv

    def blocks() -> Iterator[Samples]:
        for block in recording.blocks():
            yield np.asarray(block) / lsb_uv

    return replace(recording, blocks=blocks, stream=replace(recording.stream, lsb=math.nan), value_step=1.0)


@cache
def _generator_print() -> str:
    """Return a fingerprint of the simulator: nights cached by another version of it are ignored."""
    digest = hashlib.sha256()
    for package in (physiology, scenarios):
        for folder in package.__path__:
            with suppress(FileNotFoundError):
                for path in sorted(Path(folder).glob("*.py")):
                    digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
