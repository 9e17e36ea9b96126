"""Logging of a command: to a rotating file or to the terminal, as text or JSON lines."""

import json
import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from crampwatch.app.config.settings import LogSettings
from crampwatch.protocol.errors import UnavailableError
from prometheus_client import Counter

__all__ = ["log_to_file", "log_to_terminal"]

_OLD_FILES: Final = 3
"""With the current file 20 MB per stage at the default size (docs/operations.md)."""
_NOISY: Final = ("bumble", "asyncio", "uvicorn", "bleak")
"""Libraries that log at INFO what belongs to our DEBUG."""


_LINES: Final = Counter("crampwatch_log_lines", "Lines logged.", ["level"])


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "t": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def log_to_file(settings: LogSettings, path: Path) -> None:
    """Log to a file, which is rotated when it reaches its maximum size.

    Raises:
        UnavailableError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            path, maxBytes=settings.max_mb << 20, backupCount=_OLD_FILES, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise UnavailableError(
            f"The log file {path} cannot be written: {error.strerror or error}.",
            advice="Check permissions and free space, or choose another folder by --data.",
        ) from error
    _install(handler, settings, settings.level)


def log_to_terminal(settings: LogSettings, *, least: str | None = None) -> None:
    """Log to standard error.

    Args:
        settings: Format, and level unless overridden.
        least: Minimum level; None for that of the settings.
    """
    _install(logging.StreamHandler(sys.stderr), settings, least or settings.level)


def _count_line(record: logging.LogRecord) -> bool:
    _LINES.labels(record.levelname.lower()).inc()
    return True


def _install(handler: logging.Handler, settings: LogSettings, level: str) -> None:
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(_JsonLines() if settings.format == "json" else formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    handler.addFilter(_count_line)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    logging.raiseExceptions = False  # a full disk must not end the night's recording because of its log
