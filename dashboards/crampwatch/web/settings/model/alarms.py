"""What a person has said about alarms: snoozed kinds, acknowledged episodes, the night begun. No I/O, no clock.

A snooze is for a kind of episode, never for a fault: a lost sensor, an empty battery or a full disk is not an episode,
so there is no word for snoozing it. A cramp that outlasts ten minutes calls in spite of a snooze (the page decides
that, since only it knows how long it has been showing the cramp).
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Name, Nanoseconds
from msgspec import Meta, Struct

__all__ = ["ALARM_KINDS", "MAX_SNOOZE_S", "AlarmControl", "AlarmState", "Clock"]

ALARM_KINDS: Final = tuple(kind for kind in EpisodeKind if kind is not EpisodeKind.ARTEFACT)
"""A disturbed signal is a fault of the recording, so it neither calls nor can be snoozed."""
MAX_SNOOZE_S: Final = 12 * 3600
"""A night: who wants no alarms for longer turns them off."""
_MOST_ACKNOWLEDGED: Final = 200
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day, ``HH:MM``, local."""


class AlarmState(Struct, frozen=True, kw_only=True):
    """What every open page knows and the data folder keeps.

    Attributes:
        snoozed: Until when each snoozed kind is, UTC nanoseconds.
        acknowledged: Ids of episodes somebody has seen, newest last.
        calls: Kinds the page calls for.
        night_ns: When somebody said that the night begins; null: it has not, or it is over.
        wake_at: When the sleeper means to get up; the bedtime check asks whether batteries last until then.
    """

    snoozed: dict[EpisodeKind, Nanoseconds] = {}
    acknowledged: Annotated[tuple[Name, ...], Meta(max_length=_MOST_ACKNOWLEDGED)] = ()
    calls: tuple[EpisodeKind, ...] = (EpisodeKind.CRAMP,)
    night_ns: Nanoseconds | None = None
    wake_at: Clock = "07:00"


class AlarmControl:
    """The present state, and what people may do to it. Times are UTC of the wall clock.

    Args:
        state: As kept from the last run.
    """

    def __init__(self, state: AlarmState | None = None) -> None:
        self._state = state or AlarmState()

    @property
    def state(self) -> AlarmState:
        """What is so now."""
        return self._state

    def snooze(self, kind: EpisodeKind, *, seconds: int, now_ns: int) -> None:
        """Let a kind be quiet for some seconds from now; 0 ends its snooze.

        Raises:
            ValueError: The kind cannot be snoozed, or not for so long.
        """
        if kind not in ALARM_KINDS:
            raise ValueError(f"{kind.value} is a fault, which cannot be snoozed.")
        if not 0 <= seconds <= MAX_SNOOZE_S:
            raise ValueError(f"A snooze lasts 0 to {MAX_SNOOZE_S} s, not {seconds} s.")
        snoozed = {known: until for known, until in self._state.snoozed.items() if known is not kind}
        if seconds:
            snoozed[kind] = now_ns + seconds * 1_000_000_000
        self._change(snoozed=snoozed)

    def expire(self, *, now_ns: int) -> bool:
        """Drop snoozes that are over; return whether any was."""
        left = {kind: until for kind, until in self._state.snoozed.items() if until > now_ns}
        if len(left) == len(self._state.snoozed):
            return False
        self._change(snoozed=left)
        return True

    def acknowledge(self, episodes: Iterable[str]) -> None:
        """Note that somebody has seen these episodes; saying so twice is harmless."""
        known = dict.fromkeys([*self._state.acknowledged, *episodes])
        self._change(acknowledged=tuple(known)[-_MOST_ACKNOWLEDGED:])

    def call_for(self, kinds: Iterable[EpisodeKind]) -> None:
        """Choose the kinds the page calls for.

        Raises:
            ValueError: One of them is a fault, not an episode.
        """
        chosen = set(kinds)
        if not chosen <= set(ALARM_KINDS):
            raise ValueError("A disturbed signal is a fault, which has no alarm to choose.")
        self._change(calls=tuple(kind for kind in ALARM_KINDS if kind in chosen))

    def begin_night(self, *, now_ns: int) -> bool:
        """Note that the sleeper goes to sleep; return False where the night had begun, which goes on."""
        if self._state.night_ns is not None:
            return False
        self._change(night_ns=now_ns)
        return True

    def end_night(self) -> bool:
        """Note that the sleeper is up; snoozes end with the night. Return False where none had begun."""
        had_begun = self._state.night_ns is not None
        self._change(night_ns=None, snoozed={})
        return had_begun

    def wake_at(self, clock: str) -> None:
        """Set when the sleeper means to get up, as ``HH:MM``."""
        self._change(wake_at=clock)

    def _change(self, **fields: object) -> None:
        self._state = msgspec.structs.replace(self._state, **fields)
