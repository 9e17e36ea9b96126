"""The options of an evaluation, and the cases they select."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.evaluation.annotated_recording import SimulatedFile, has_truth
from crampwatch.app.evaluation.case import Case
from crampwatch.app.evaluation.seeds import seeds_of, set_of
from crampwatch.app.evaluation.simulated_night import SimulatedNight

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """Options of `crampwatch evaluate`.

    Attributes:
        files: Recordings with truth or annotations beside them; nights are simulated where there are none.
        reader: How to read the files.
        scenario: Of the simulated nights.
        seeds: Text as `seeds_of` reads it.
        hours: Length of a night; None for the scenario's own.
        pairs: Electrode pairs.
        sampling_hz: Samples per second.
        unknown_scale: Whether the scale of the signal is withheld from the detector.
        calibrated: Whether each wearer calibrates before the night.
        jobs: Processes.
        keep: Folder that caches simulated nights; None simulates them every time.
        report: Folder for a report; None for no report.
        plots: Errors plotted in the report, at most.
    """

    files: tuple[Path, ...] = ()
    reader: ReaderOptions = ReaderOptions()  # noqa: RUF009 - frozen, so one for all is fine
    scenario: str = "night-hard"
    seeds: str = "tuning:4"
    hours: float | None = None
    pairs: int = 2
    sampling_hz: float = 1000.0
    unknown_scale: bool = False
    calibrated: bool = False
    jobs: int = 1
    keep: Path | None = None
    report: Path | None = None
    plots: int = 200

    def cases(self) -> Sequence[Case]:
        """Return the nights, or the files whose truth is known.

        Raises:
            ConfigurationError: The seeds cannot be read.
        """
        if self.files:
            return [SimulatedFile(path, self.reader) for path in self.files if has_truth(path)]
        return [
            SimulatedNight(
                self.scenario,
                seed,
                self.hours,
                self.pairs,
                self.sampling_hz,
                not self.unknown_scale,
                self.keep,
                self.calibrated,
            )
            for seed in seeds_of(self.seeds)
        ]

    def annotated_files(self) -> tuple[Path, ...]:
        """Return the files without a simulated truth: a person must have annotated them."""
        return tuple(path for path in self.files if not has_truth(path))

    @property
    def seed_set(self) -> str:
        """Name of the set that the seeds belong to."""
        return set_of(seeds_of(self.seeds))

    @property
    def command(self) -> str:
        """The command that reproduces the figures."""
        if self.files:
            return " ".join(["crampwatch evaluate", *map(str, self.files), *self.reader.arguments()])
        parts = ["crampwatch evaluate", f"--scenario {self.scenario}", f"--seeds {self.seeds}"]
        parts += [f"--hours {self.hours:g}"] if self.hours else []
        parts += [f"--pairs {self.pairs}"] if self.pairs != 2 else []
        parts += [f"--sampling {self.sampling_hz:g}"] if self.sampling_hz != 1000.0 else []
        parts += ["--unknown-scale"] if self.unknown_scale else []
        parts += ["--calibrated"] if self.calibrated else []
        return " ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the options that decide the figures, for JSON."""
        if self.files:
            return {"files": [str(path) for path in self.files], **asdict(self.reader)}
        names = ("scenario", "seeds", "hours", "pairs", "sampling_hz", "unknown_scale", "calibrated")
        return {**{name: getattr(self, name) for name in names}, "seed_set": self.seed_set, "simulated": True}
