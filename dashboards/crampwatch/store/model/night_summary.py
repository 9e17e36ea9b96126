"""One recorded night of one sensor in a row: cramps per monitored hour, and what goes with them (pure)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import JournalEntry, SensorInfo

__all__ = ["Night", "midnight_h", "night_of", "summed_up"]

_HOUR_NS: Final = 3_600_000_000_000
_FEWEST_S: Final = 600.0
"""Of monitored time, before a rate is told: one cramp in the first minute is not 60 an hour."""
_BEFORE_NS: Final = 12 * _HOUR_NS
"""How long before the recording a factor may have been noted and still belong to the night."""


@dataclass(frozen=True, slots=True)
class Night:
    """A recorded night of a sensor.

    Attributes:
        sensor: Id.
        session: UUID of the recording.
        night: Date of the evening it began, local time, as ``2026-11-20``.
        begin_ns: When the recording began.
        end_ns: When it ended, or as far as it is known.
        side: Where the sensor was worn.
        origin: ``live``, ``demo`` or ``replay``.
        monitored_s: For how long there was a signal to judge.
        coverage: Share of the recording that was monitored, 0 to 1.
        cramps: How many likely cramps.
        cramps_per_hour: Of monitored time; None where that is shorter than ten minutes.
        cramp_s: Length of all cramps together.
        longest_s: Of the longest cramp, 0 where there was none.
        others: How many of each other kind, by its name.
        factors: What the wearer noted as a factor, from twelve hours before.
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


def night_of(t_ns: int, utc_offset_s: int) -> str:
    """Return the date of the evening a moment belongs to: before noon, that of the day before.

    >>> night_of(1_700_000_000_000_000_000, 3600)  # 14 November 2023, 23:13
    '2023-11-14'
    >>> night_of(1_700_010_000_000_000_000, 3600)  # three hours later
    '2023-11-14'
    """
    local_s = t_ns // 1_000_000_000 + utc_offset_s
    return f"{datetime.fromtimestamp(local_s - 12 * 3600, UTC):%Y-%m-%d}"


def midnight_h(t_ns: int, utc_offset_s: int) -> float:
    """Return the time of night in hours from local midnight, -12 to 12.

    >>> midnight_h(1_700_000_000_000_000_000, 3600)
    -0.7777777777777777
    """
    seconds = (t_ns / 1e9 + utc_offset_s) % 86_400
    return (seconds if seconds < 43_200 else seconds - 86_400) / 3600


def summed_up(
    info: SensorInfo,
    episodes: Iterable[tuple[str, float | None]],
    *,
    end_ns: int,
    monitored_s: float,
    journal: Iterable[JournalEntry] = (),
) -> Night:
    """Return a night of what is known of it.

    Args:
        info: The sensor in this recording.
        episodes: Kind and duration in seconds of each episode that was not retracted; None while it lasts.
        end_ns: When it ended, or as far as it is known.
        monitored_s: For how long there was a signal.
        journal: What the wearer noted; entries of other nights are left out.
    """
    episodes = list(episodes)
    counts = Counter(kind for kind, _ in episodes)
    cramps = counts[EpisodeKind.CRAMP]
    lengths_s = [duration_s or 0.0 for kind, duration_s in episodes if kind == EpisodeKind.CRAMP]
    recorded_s = max(0, end_ns - info.started_ns) / 1e9
    return Night(
        sensor=info.sensor,
        session=info.session,
        night=night_of(info.started_ns, info.utc_offset_s),
        begin_ns=info.started_ns,
        end_ns=end_ns,
        side=info.placement.side,
        origin=info.origin.value,
        monitored_s=monitored_s,
        coverage=min(1.0, monitored_s / recorded_s) if recorded_s else 0.0,
        cramps=cramps,
        cramps_per_hour=cramps / (monitored_s / 3600) if monitored_s >= _FEWEST_S else None,
        cramp_s=float(sum(lengths_s)),  # databases do not forgive an integer among floats
        longest_s=max(lengths_s, default=0.0),
        others={kind.value: counts[kind] for kind in EpisodeKind if kind is not EpisodeKind.CRAMP},
        factors=_factors(journal, info.started_ns - _BEFORE_NS, end_ns),
    )


def _factors(journal: Iterable[JournalEntry], since_ns: int, until_ns: int) -> tuple[str, ...]:
    told = {one.text for one in journal if one.entry == "factor" and one.text and since_ns <= one.t_ns < until_ns}
    return tuple(sorted(told))
