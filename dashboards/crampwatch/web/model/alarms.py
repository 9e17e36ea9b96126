"""State of the alarms: snoozed kinds, acknowledged episodes, whether the night has started. No I/O, no clock.

A snooze silences one kind of episode, never a fault: a lost sensor, an empty battery or a full disk is not an episode,
so it cannot be snoozed. A cramp of more than ten minutes alerts despite a snooze; the page decides that, since only it
knows for how long it has been showing the cramp.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Name, Nanoseconds
from msgspec import Meta, Struct

__all__ = ["ALARM_KINDS", "MAX_SNOOZE_S", "AlarmControl", "AlarmState", "Clock"]

ALARM_KINDS: Final = tuple(kind for kind in EpisodeKind if kind is not EpisodeKind.ARTEFACT)
"""A noisy signal is a fault of the recording, so it has no alarm and cannot be snoozed."""
MAX_SNOOZE_S: Final = 12 * 3600
"""A night. To have no alarms for longer, turn them off."""
_MAX_ACKNOWLEDGED: Final = 200
"""Bounds the file: only an episode that is going on, or has just ended, can alert."""
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day, ``HH:MM``, local."""


class AlarmState(Struct, frozen=True, kw_only=True):
    """State of the alarms, the same on every open page and stored in the data folder.

    Attributes:
        snoozed: End of the snooze of each snoozed kind, UTC nanoseconds.
        acknowledged: Ids of acknowledged episodes, newest last.
        calls: Kinds with an alarm.
        night_ns: When the wearer started the night; null if it has not started, or is over.
        wake_at: Wake-up time; the bedtime check compares the batteries' forecast with it.
    """

    snoozed: dict[EpisodeKind, Nanoseconds] = {}
    acknowledged: Annotated[tuple[Name, ...], Meta(max_length=_MAX_ACKNOWLEDGED)] = ()
    calls: tuple[EpisodeKind, ...] = (EpisodeKind.CRAMP,)
    night_ns: Nanoseconds | None = None
    wake_at: Clock = "07:00"


class AlarmControl:
    """Changes the state of the alarms.

    Args:
        state: State stored by the last run; None to start with the defaults.
    """

    def __init__(self, state: AlarmState | None = None) -> None:
        self._state = state or AlarmState()

    @property
    def state(self) -> AlarmState:
        """Current state."""
        return self._state

    def snooze(self, kind: EpisodeKind, *, seconds: int, now_ns: int) -> None:
        """Silence a kind for some seconds from ``now_ns`` (UTC); 0 ends its snooze.

        Raises:
            ValueError: The kind cannot be snoozed, or the time is too long or negative.
        """
        if kind not in ALARM_KINDS:
            raise ValueError(f"{kind.value} is a fault and cannot be snoozed.")
        if not 0 <= seconds <= MAX_SNOOZE_S:
            raise ValueError(f"A snooze must last 0 to {MAX_SNOOZE_S} s, not {seconds} s.")
        snoozed = {other: until for other, until in self._state.snoozed.items() if other is not kind}
        if seconds:
            snoozed[kind] = now_ns + seconds * 1_000_000_000
        self._replace_fields(snoozed=snoozed)

    def expire(self, *, now_ns: int) -> bool:
        """Remove snoozes that have ended; return whether there were any."""
        left = {kind: until for kind, until in self._state.snoozed.items() if until > now_ns}
        if len(left) == len(self._state.snoozed):
            return False
        self._replace_fields(snoozed=left)
        return True

    def acknowledge(self, episodes: Iterable[str]) -> None:
        """Mark episodes as acknowledged; repeating it is harmless."""
        ids = dict.fromkeys([*self._state.acknowledged, *episodes])
        self._replace_fields(acknowledged=tuple(ids)[-_MAX_ACKNOWLEDGED:])

    def choose_kinds(self, kinds: Iterable[EpisodeKind]) -> None:
        """Choose the kinds with an alarm.

        Raises:
            ValueError: One of them is a fault.
        """
        chosen = set(kinds)
        if not chosen <= set(ALARM_KINDS):
            raise ValueError("A noisy signal is a fault and has no alarm to choose.")
        self._replace_fields(calls=tuple(kind for kind in ALARM_KINDS if kind in chosen))

    def start_night(self, *, now_ns: int) -> bool:
        """Start the night; return False if it had started already, and leave its start unchanged."""
        if self._state.night_ns is not None:
            return False
        self._replace_fields(night_ns=now_ns)
        return True

    def end_night(self) -> bool:
        """End the night and all snoozes; return False if no night had started."""
        had_started = self._state.night_ns is not None
        self._replace_fields(night_ns=None, snoozed={})
        return had_started

    def set_wake_time(self, clock: str) -> None:
        """Set the wake-up time, ``HH:MM``."""
        self._replace_fields(wake_at=clock)

    def _replace_fields(self, **fields: object) -> None:
        self._state = msgspec.structs.replace(self._state, **fields)
