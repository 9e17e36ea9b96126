"""Nights and recordings with a known truth through the detector: what `crampwatch evaluate` says and writes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampwatch.app.evaluation.outcome import Outcome, outcome_of
from crampwatch.app.evaluation.report import Plots, html_page, markdown_text, pick_clips
from crampwatch.app.evaluation.request import Request
from crampwatch.app.evaluation.runner import run_cases
from crampwatch.app.evaluation.tables import Table, headline, tables_of
from crampwatch.app.progress import Progress
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["Evaluated", "evaluate_nights"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Simulated nights, evaluated.

    Attributes:
        request: What was asked for.
        outcome: What came out.
        plots: Errors to be plotted.
    """

    request: Request
    outcome: Outcome
    plots: Plots

    @property
    def headline(self) -> str:
        """What was measured, in a sentence."""
        return headline(self.request, self.outcome)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All figures."""
        return tables_of(self.outcome)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        return {"request": self.request.to_dict(), **self.outcome.to_dict()}

    def write(self, folder: Path) -> Path:
        """Write the report: a page, the tables as Markdown, the figures as JSON; return the page.

        Raises:
            ConfigurationError: It cannot be written there.
        """
        page = folder / "report.html"
        title = f"crampwatch: simulated accuracy, {self.request.scenario}"
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
                advice="Give another folder by --report.",
            ) from error
        return page


def evaluate_nights(request: Request, *, progress: Progress) -> Evaluated:
    """Run the detector over the nights of a request and score it.

    Raises:
        CrampwatchError: A night cannot be simulated.
    """
    most = request.plots if request.report else 0
    trials = run_cases(request.cases(), jobs=request.jobs, clips=most, told=progress)
    clips = [clip for trial in trials for clip in trial.clips]
    plots = pick_clips(clips, left_out=sum(trial.clips_left_out for trial in trials), most=most)
    return Evaluated(request, outcome_of(trials), plots)
