"""What nights are called: by the evening they began, apart by where their data came from (pure)."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from crampwatch.protocol.kinds import Origin

__all__ = ["NIGHT_PATTERN", "night_of", "night_span_ns", "origin_of"]

NIGHT_PATTERN: Final = r"(demo\.|replay\.)?\d{4}-\d{2}-\d{2}"
_NOON: Final = timedelta(hours=12)


def night_of(started_ns: int, utc_offset_s: int, origin: str) -> str:
    """Return the night a recording belongs to: from noon to noon, local time where it began.

    >>> night_of(1_795_300_000_000_000_000, 3600, "live")
    '2026-11-21'
    """
    local = datetime.fromtimestamp(started_ns // 1_000_000_000, UTC) + timedelta(seconds=utc_offset_s) - _NOON
    return f"{'' if origin == Origin.LIVE else origin + '.'}{local:%Y-%m-%d}"


def origin_of(night: str) -> Origin:
    """Return where the data of a night came from."""
    word, dot, _ = night.partition(".")
    return Origin(word) if dot else Origin.LIVE


def night_span_ns(night: str) -> tuple[int, int]:
    """Return between which times all sessions of a night began, wherever on earth.

    Raises:
        ValueError: There is no such date.
    """
    day = date.fromisoformat(night.rpartition(".")[2])
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    begin_s, end_s = (noon - timedelta(hours=15)).timestamp(), (noon + timedelta(hours=39)).timestamp()
    return int(begin_s) * 1_000_000_000, int(end_s) * 1_000_000_000
