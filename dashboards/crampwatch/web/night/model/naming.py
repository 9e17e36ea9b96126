"""Names of nights: the date of the evening on which they started, and where the data came from.

A night lasts from noon to noon, local time at the recording's start, so that going to bed after midnight belongs to
the evening before. Data of a demonstration or a replay gets a prefix: it must never share a night with real data.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from crampwatch.protocol.kinds import Origin

__all__ = ["NIGHT_PATTERN", "night_name", "night_origin"]

NIGHT_PATTERN: Final = r"(demo\.|replay\.)?\d{4}-\d{2}-\d{2}"
_NOON: Final = timedelta(hours=12)


def night_name(utc_ns: int, utc_offset_s: int, origin: str) -> str:
    """Return the name of the night that a time belongs to.

    >>> night_name(1_795_300_000_000_000_000, 3600, "live")
    '2026-11-21'
    """
    local = datetime.fromtimestamp(utc_ns // 1_000_000_000, UTC) + timedelta(seconds=utc_offset_s) - _NOON
    return f"{'' if origin == Origin.LIVE else origin + '.'}{local:%Y-%m-%d}"


def night_origin(night: str) -> Origin:
    """Return where the data of a night came from, as its name says."""
    prefix, dot, _ = night.partition(".")
    return Origin(prefix) if dot else Origin.LIVE
