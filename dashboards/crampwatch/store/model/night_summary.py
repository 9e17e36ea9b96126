"""One recorded night of one sensor as one row: cramps per monitored hour, and what belongs to it (pure)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import JournalEntry, SensorInfo

__all__ = ["Night", "evening_date", "hours_from_midnight", "summarise_night"]

_HOUR_NS: Final = 3_600_000_000_000
_MIN_RATE_S: Final = 600.0
"""Least monitored time for which a rate is given: one cramp in the first minute is not 60 an hour."""
_FACTOR_LEAD_NS: Final = 12 * _HOUR_NS
"""How long before the recording a factor may be noted and still belong to the night: coffee at noon belongs to the next
night, a note of the night before does not."""
_NOON_S: Final = 12 * 3600
"""Nights are divided at noon, local time: a recording that starts at 1 in the morning belongs to the evening before."""


@dataclass(frozen=True, slots=True)
class Night:
    """A recorded night of a sensor.

    Attributes:
        session: UUID of the recording.
        night: Local date of the evening on which it started, as ``2026-11-20``.
        begin_ns: Start of the recording, UTC.
        end_ns: End of the recording, or of what is stored of it so far.
        side: Where the sensor was worn: ``left``, ``right`` or ``unknown``.
        origin: ``live``, ``demo`` or ``replay``.
        monitored_s: How long there was a signal good enough to be analysed.
        coverage: Share of the recording that was monitored, 0 to 1.
        cramps: Number of likely cramps.
        cramps_per_hour: Per monitored hour; None if less than ten minutes were monitored.
        cramp_s: Duration of all cramps together.
        longest_s: Duration of the longest cramp, 0 if there was none.
        others: Number of episodes of each other kind, by its name.
        factors: Texts that the wearer noted as factors between twelve hours before the start and the end, sorted.
    """

    sensor: str
    session: str
    night: str
    begin_ns: int
    end_ns: int
    side: str
    origin: str
    monitored_s: float
    coverage: float
    cramps: int
    cramps_per_hour: float | None
    cramp_s: float
    longest_s: float
    others: dict[str, int]
    factors: tuple[str, ...]


def evening_date(t_ns: int, utc_offset_s: int) -> str:
    """Return the local date of the evening that a moment belongs to: before noon, the day before.

    >>> evening_date(1_700_000_000_000_000_000, 3600)  # 14 November 2023, 23:13
    '2023-11-14'
    >>> evening_date(1_700_010_000_000_000_000, 3600)  # three hours later
    '2023-11-14'
    """
    local_s = t_ns // 1_000_000_000 + utc_offset_s
    return f"{datetime.fromtimestamp(local_s - _NOON_S, UTC):%Y-%m-%d}"


def hours_from_midnight(t_ns: int, utc_offset_s: int) -> float:
    """Return the local time of night in hours from midnight, from -12 up to 12.

    >>> hours_from_midnight(1_700_000_000_000_000_000, 3600)
    -0.7777777777777777
    """
    seconds = (t_ns / 1e9 + utc_offset_s) % 86_400
    return (seconds if seconds < _NOON_S else seconds - 86_400) / 3600


def summarise_night(
    info: SensorInfo,
    episodes: Iterable[tuple[str, float | None]],
    *,
    end_ns: int,
    monitored_s: float,
    journal: Iterable[JournalEntry] = (),
) -> Night:
    """Return the summary of a night.

    Args:
        info: The sensor in this recording.
        episodes: Kind and duration in seconds of each episode that was not retracted; None while it lasts.
        end_ns: End of the recording, or of what is stored of it so far.
        monitored_s: How long there was a signal.
        journal: Notes of the wearer; those that do not belong to this night are left out.
    """
    episodes = list(episodes)
    counts = Counter(kind for kind, _ in episodes)
    cramps = counts[EpisodeKind.CRAMP]
    durations_s = [duration_s or 0.0 for kind, duration_s in episodes if kind == EpisodeKind.CRAMP]
    recorded_s = max(0, end_ns - info.started_ns) / 1e9
    return Night(
        sensor=info.sensor,
        session=info.session,
        night=evening_date(info.started_ns, info.utc_offset_s),
        begin_ns=info.started_ns,
        end_ns=end_ns,
        side=info.placement.side,
        origin=info.origin.value,
        monitored_s=monitored_s,
        # Monitored time is counted in whole steps, and may exceed a recording that ended within one.
        coverage=min(1.0, monitored_s / recorded_s) if recorded_s else 0.0,
        cramps=cramps,
        cramps_per_hour=cramps / (monitored_s / 3600) if monitored_s >= _MIN_RATE_S else None,
        cramp_s=float(sum(durations_s)),  # InfluxDB rejects an integer in a field of floats
        longest_s=max(durations_s, default=0.0),
        others={kind.value: counts[kind] for kind in EpisodeKind if kind is not EpisodeKind.CRAMP},
        factors=_factors_between(journal, info.started_ns - _FACTOR_LEAD_NS, end_ns),
    )


def _factors_between(journal: Iterable[JournalEntry], since_ns: int, until_ns: int) -> tuple[str, ...]:
    texts = {one.text for one in journal if one.entry == "factor" and one.text and since_ns <= one.t_ns < until_ns}
    return tuple(sorted(texts))
