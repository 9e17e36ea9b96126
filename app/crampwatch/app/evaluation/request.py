"""What a user wants evaluated."""

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
    """Which simulated nights, or which files, and how.

    Attributes:
        files: Recordings with their truth or annotations beside them; simulated nights where there are none.
        reader: How to read them.
        scenario: Its name.
        seeds: As the user says it.
        hours: Length of a night; None for the scenario's own.
        pairs: Electrode pairs.
        sampling_hz: Samples a second.
        unknown_scale: Whether the detector is not told what a count is.
        calibrated: Whether each wearer calibrates before the night.
        jobs: Nights at a time.
        keep: Folder for rendered nights.
        report: Folder for a report; None for none.
        plots: Errors plotted in it, at most.
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

    def annotated(self) -> tuple[Path, ...]:
        """Return the files that a person annotated."""
        return tuple(path for path in self.files if not has_truth(path))

    @property
    def seed_set(self) -> str:
        """The set the seeds belong to."""
        return set_of(seeds_of(self.seeds))

    @property
    def command(self) -> str:
        """The command that gives the same figures."""
        if self.files:
            return " ".join(["crampwatch evaluate", *map(str, self.files), *self.reader.arguments()])
        said = ["crampwatch evaluate", f"--scenario {self.scenario}", f"--seeds {self.seeds}"]
        said += [f"--hours {self.hours:g}"] if self.hours else []
        said += [f"--pairs {self.pairs}"] if self.pairs != 2 else []
        said += [f"--sampling {self.sampling_hz:g}"] if self.sampling_hz != 1000.0 else []
        said += ["--unknown-scale"] if self.unknown_scale else []
        said += ["--calibrated"] if self.calibrated else []
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """Return what decides the figures, as JSON has it."""
        if self.files:
            return {"files": [str(path) for path in self.files], **asdict(self.reader)}
        names = ("scenario", "seeds", "hours", "pairs", "sampling_hz", "unknown_scale", "calibrated")
        return {**{name: getattr(self, name) for name in names}, "seed_set": self.seed_set, "simulated": True}
