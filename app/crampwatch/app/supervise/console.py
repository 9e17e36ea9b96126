"""What a run says to the person who started it, or to a script."""

import json
import os
import sys
import threading
import webbrowser
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.settings import Settings
from crampwatch.app.supervise.plan import Mode, Plan
from crampwatch.app.supervise.status import RunSummary, kinds_text
from crampwatch.protocol import messages

__all__ = ["Teller"]

_FIRST_WORDS: Final[dict[Mode, str]] = {
    "demo": "This is simulated data: a simulated foot, sensor and radio; the rest is what a real night uses.",
    "wear": "Recording. Not a medical device.",
    "replay": "This is a replayed recording, over a simulated radio.",
}


class Teller:
    """Tells a run's story on standard output.

    Args:
        as_json: One JSON object a line, with the key ``event``, instead of sentences.
        browser: Whether to open the page where there is a display.
    """

    def __init__(self, *, as_json: bool, browser: bool) -> None:
        self._as_json = as_json
        self._browser = browser

    def ready(self, url: str, plan: Plan) -> None:
        """Say where the page is; open it."""
        self._say(
            f"{_FIRST_WORDS[plan.mode]}\nLive page: {url}\nData: {plan.folder.root}\n"
            + _how_to_log_in(plan.settings, plan.folder)
            + ("Ctrl-C ends it." if plan.runs_until_stopped else ""),
            event="ready",
            mode=plan.mode,
            url=url,
            data=str(plan.folder.root),
        )
        if self._browser and _has_display():
            # A thread: some browsers return only when they are closed.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    def notice(self, notice: messages.Notice) -> None:
        """Say what a person should know."""
        at = datetime.fromtimestamp(notice.t_ns / 1e9).astimezone()
        self._say(
            f"{at:%H:%M:%S} {notice.text}",
            event="notice",
            code=notice.code,
            severity=notice.severity,
            text=notice.text,
            sensor=notice.sensor,
        )

    def judging(self) -> None:
        """Say that the end takes a moment."""
        self._say("Judging the recording as a whole; Ctrl-C leaves it to `crampwatch finalise` ...", event="judging")

    def judged(self, session: str, counts: dict[str, int]) -> None:
        """Say the final verdict on a session."""
        self._say(
            f"Final verdict on session {session}: {kinds_text(counts)}.",
            event="judged",
            session=session,
            episodes=counts,
        )

    def summary(self, summary: RunSummary) -> None:
        """Say what it came to."""
        self._say(summary.text(), event="summary", **asdict(summary))

    def _say(self, sentence: str, /, **fields: Any) -> None:
        click.echo(json.dumps(fields) if self._as_json else sentence.rstrip())
        sys.stdout.flush()


def _how_to_log_in(settings: Settings, folder: DataFolder) -> str:
    """Return a line for whoever opens the page from another machine; empty where nobody can."""
    from crampwatch.web.access.auth import is_loopback

    if is_loopback(settings.web.host):
        return ""
    where = "web.token in your settings" if settings.web.token else str(folder.secrets)
    return f"Other machines log in with the secret in: {where}\n"


def _has_display() -> bool:
    """Return whether a browser would open a window: on a bare Linux terminal it would take over the terminal."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
