"""What a run prints for the person who started it, or for a program that reads JSON Lines."""

import json
import os
import sys
import threading
import webbrowser
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click
from crampwatch.app.cli.wording import episode_counts_text
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.supervise.plan import Mode, Plan
from crampwatch.app.supervise.status import RunSummary
from crampwatch.protocol import messages
from crampwatch.web.access.auth import is_loopback

__all__ = ["RunConsole"]

_GREETINGS: Final[dict[Mode, str]] = {
    "demo": "Simulated data: the foot, the sensors and the radio are simulated; everything else is as on a real night.",
    "wear": "Recording. Not a medical device.",
    "replay": "Replaying a recording over a simulated radio.",
}


class RunConsole:
    """Prints the events of a run on standard output.

    Args:
        as_json: Whether to print one JSON object per line, with the key ``event``, instead of sentences.
        opens_browser: Whether to open the page, where there is a display.
    """

    def __init__(self, *, as_json: bool, opens_browser: bool) -> None:
        self._as_json = as_json
        self._opens_browser = opens_browser

    def show_ready(self, url: str, plan: Plan) -> None:
        """Print where the page is, and open it."""
        self._print(
            f"{_GREETINGS[plan.mode]}\nLive page: {url}\nData folder: {plan.folder.root}\n"
            + _login_hint(plan.settings, plan.folder)
            + ("Press Ctrl-C to stop." if plan.runs_until_stopped else ""),
            event="ready",
            mode=plan.mode,
            url=url,
            data=str(plan.folder.root),
        )
        if self._opens_browser and _has_display():
            # In a thread: some browsers return only when they are closed.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    def show_notice(self, notice: messages.Notice) -> None:
        """Print a notice with its local time."""
        at = datetime.fromtimestamp(notice.t_ns / 1e9).astimezone()
        self._print(
            f"{at:%H:%M:%S} {notice.text}",
            event="notice",
            code=notice.code,
            severity=notice.severity,
            text=notice.text,
            sensor=notice.sensor,
        )

    def show_finalising(self) -> None:
        """Print that the final analysis has started and may be left for later."""
        self._print(
            "Running the final analysis of the recording; press Ctrl-C to leave it to `crampwatch finalise` ...",
            event="judging",
        )

    def show_finalised(self, session: str, counts: dict[str, int]) -> None:
        """Print the final result of a session: episodes by kind."""
        self._print(
            f"Final result of session {session}: {episode_counts_text(counts)}.",
            event="judged",
            session=session,
            episodes=counts,
        )

    def show_summary(self, summary: RunSummary) -> None:
        """Print the summary of the run."""
        self._print(summary.text(), event="summary", **asdict(summary))

    def _print(self, text: str, /, **fields: Any) -> None:
        click.echo(json.dumps(fields) if self._as_json else text.rstrip())
        sys.stdout.flush()  # a program that reads us through a pipe waits for each line


def _login_hint(settings: Settings, folder: DataFolder) -> str:
    """Return a line about the page's secret; empty where only this machine can open the page."""
    if is_loopback(settings.web.host):
        return ""
    where = "web.token in your settings" if settings.web.token else str(folder.secrets)
    return f"Other machines log in with the secret in {where}\n"


def _has_display() -> bool:
    """Return whether a browser would open a window; on a bare Linux terminal it would take over the terminal."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
