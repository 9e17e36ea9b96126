"""What nights are called: by the evening they began, apart by where their data came from (pure)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from crampwatch.protocol.kinds import Origin

__all__ = ["NIGHT_PATTERN", "night_name", "night_origin"]

NIGHT_PATTERN: Final = r"(demo\.|replay\.)?\d{4}-\d{2}-\d{2}"
_NOON: Final = timedelta(hours=12)


def night_name(started_ns: int, utc_offset_s: int, origin: str) -> str:
    """Return the night a recording belongs to: from noon to noon, local time where it began.

    >>> night_name(1_795_300_000_000_000_000, 3600, "live")
    '2026-11-21'
    """
    local = datetime.fromtimestamp(started_ns // 1_000_000_000, UTC) + timedelta(seconds=utc_offset_s) - _NOON
    return f"{'' if origin == Origin.LIVE else origin + '.'}{local:%Y-%m-%d}"


def night_origin(night: str) -> Origin:
    """Return where the data of a night came from."""
    word, dot, _ = night.partition(".")
    return Origin(word) if dot else Origin.LIVE
