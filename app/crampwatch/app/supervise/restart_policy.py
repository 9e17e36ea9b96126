"""When a stage that ended is started again. Pure: times are arguments.

A stage is *well* once it ran for `well_s`. One that was ever well is restarted for as long as the night lasts, with
pauses that double up to `longest_pause_s`: a night must survive a Bluetooth dongle that is unplugged for a minute. One
that never was is more likely misconfigured than unlucky: it is given up at once where its exit code says that another
attempt would end the same way, else after `attempts` ends in a row, so that the user sees the reason within seconds of
the start rather than in the morning.
"""

from dataclasses import dataclass
from typing import Final

from crampwatch.app.cli.exits import NEVER_RETRY

__all__ = ["RestartPolicy", "StageHistory"]

_MOST_DOUBLINGS: Final = 30
"""Keeps the power within a float after any number of restarts; the longest pause is reached long before."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Pauses and limits.

    Attributes:
        first_pause_s: Pause after the first end. Short: most ends are a crash that a restart cures.
        factor: From one pause to the next.
        longest_pause_s: A sensor that waits this long loses nothing, since it stores minutes of samples.
        well_s: A run this long counts as healthy; the next pause starts short again.
        attempts: Ends in a row after which a stage that was never healthy is given up. With the pauses above that is
            about six seconds.
    """

    first_pause_s: float = 0.2
    factor: float = 2.0
    longest_pause_s: float = 10.0
    well_s: float = 20.0
    attempts: int = 6


_DEFAULT: Final = RestartPolicy()


@dataclass(slots=True)
class StageHistory:
    """The ends of one stage, as far as the next decision depends on them.

    Attributes:
        policy: Pauses and limits.
        was_well: Whether the stage ever ran for `RestartPolicy.well_s`.
        ends_in_row: Ends since the last run of that length, including its own.
    """

    policy: RestartPolicy = _DEFAULT
    was_well: bool = False
    ends_in_row: int = 0

    def pause_after_end_s(self, code: int, *, ran_s: float) -> float | None:
        """Record an end and return the pause before the next start; None to give the stage up.

        Args:
            code: Exit code; negative for the signal that killed the process.
            ran_s: How long the process ran.
        """
        if ran_s >= self.policy.well_s:
            self.was_well = True
            self.ends_in_row = 0
        self.ends_in_row += 1
        if not self.was_well and (code in NEVER_RETRY or self.ends_in_row >= self.policy.attempts):
            return None
        doublings = min(self.ends_in_row - 1, _MOST_DOUBLINGS)
        return min(self.policy.longest_pause_s, self.policy.first_pause_s * self.policy.factor**doublings)
