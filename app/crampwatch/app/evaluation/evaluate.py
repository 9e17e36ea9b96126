"""An evaluation from its options to its report; what `crampwatch evaluate` prints and writes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampwatch.app.cli.progress import Progress
from crampwatch.app.evaluation.annotated_recording import score_file
from crampwatch.app.evaluation.outcome import Outcome, outcome_of
from crampwatch.app.evaluation.report import Plots, html_page, markdown_text, pick_clips
from crampwatch.app.evaluation.request import Request
from crampwatch.app.evaluation.runner import run_cases
from crampwatch.app.evaluation.tables import Table, annotated_table, headline, tables_of
from crampwatch.detector.scoring.annotated import AnnotatedScore
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        request: Its options.
        outcome: Figures over all cases with a complete truth; None without any.
        annotated: Name and score of each recording that a person annotated.
        plots: Errors to be plotted.
    """

    request: Request
    outcome: Outcome | None
    annotated: tuple[tuple[str, AnnotatedScore], ...]
    plots: Plots

    @property
    def headline(self) -> str:
        """What was measured, in one sentence."""
        if self.outcome is None:
            return f"{len(self.annotated)} real recording(s), annotated by a person."
        return headline(self.request, self.outcome)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, the most important first."""
        known = tables_of(self.outcome) if self.outcome else ()
        return (*known, *([annotated_table(self.annotated)] if self.annotated else []))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        known = self.outcome.to_dict() if self.outcome else {}
        annotated = {name: _annotated_dict(one) for name, one in self.annotated}
        return {"request": self.request.to_dict(), **known, **({"annotated": annotated} if annotated else {})}

    def write(self, folder: Path) -> Path:
        """Write the report as HTML, Markdown and JSON into a folder; return the path of the page.

        Raises:
            ConfigurationError: The folder cannot be written to.
        """
        page = folder / "report.html"
        what = f"simulated accuracy, {self.request.scenario}" if self.outcome else "annotated recordings"
        title = f"crampwatch: {what}"
        html = html_page(
            title,
            self.headline,
            command=self.request.command,
            tables=self.tables,
            outcome=self.outcome,
            plots=self.plots,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            page.write_text(html, "utf-8")
            (folder / "summary.md").write_text(markdown_text(self.headline, self.request.command, self.tables), "utf-8")
            (folder / "figures.json").write_text(json.dumps(self.to_dict(), allow_nan=False, indent=2) + "\n", "utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"The report cannot be written to {folder}: {error.strerror or error}.",
                advice="Choose another folder with --report.",
            ) from error
        return page


def evaluate(request: Request, *, progress: Progress) -> Evaluation:
    """Run the detector over the cases of a request and score it.

    Raises:
        CrampwatchError: A night cannot be simulated, or a file cannot be read.
    """
    most = request.plots if request.report else 0
    annotated = tuple((path.name, score_file(path, request.reader)) for path in request.annotated_files())
    trials = run_cases(request.cases(), jobs=request.jobs, clips=most, progress=progress)
    clips = [clip for trial in trials for clip in trial.clips]
    plots = pick_clips(clips, left_out=sum(trial.clips_left_out for trial in trials), most=most)
    return Evaluation(request, outcome_of(trials) if trials else None, annotated, plots)


def _annotated_dict(one: AnnotatedScore) -> dict[str, Any]:
    return {
        "sure": one.sure,
        "found": one.found,
        "exact": one.exact,
        "beyond_s": [round(distance_s, 4) for distance_s in one.beyond_s],
        "unexplained": len(one.unexplained),
        "cramps": len(one.cramps),
        "duration_s": round(one.duration_s, 3),
    }
