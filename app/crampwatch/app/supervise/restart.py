"""When to start a stage again: pure policy, time is an argument."""

from dataclasses import dataclass
from typing import Final

from crampwatch.app.cli.exits import NEVER_RETRY

__all__ = ["RestartPolicy", "StageLife"]


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient a supervisor is.

    Attributes:
        first_s: Pause after the first death.
        factor: From one pause to the next.
        cap_s: The longest pause; a sensor left alone for so long loses nothing, since it remembers minutes.
        well_s: A stage that ran this long was well: the next pause is short again.
        attempts: Deaths in a row of a stage that never was well, after which it is given up.
    """

    first_s: float = 0.2
    factor: float = 2.0
    cap_s: float = 10.0
    well_s: float = 20.0
    attempts: int = 6


_PATIENT: Final = RestartPolicy()


@dataclass(slots=True)
class StageLife:
    """What is remembered of one stage.

    A stage that was well once is started again for ever: a night must survive a dongle pulled out for a minute. One
    that never was is given up at once where its exit code says that trying again is vain, else after some attempts.

    Attributes:
        policy: How patient to be.
        was_well: Whether it ever ran for long enough.
        deaths_in_row: Since it last was well.
    """

    policy: RestartPolicy = _PATIENT
    was_well: bool = False
    deaths_in_row: int = 0

    def ended(self, code: int, *, lived_s: float) -> float | None:
        """Decide what follows from a death.

        Args:
            code: Exit code; negative for the signal that killed it.
            lived_s: How long it ran.

        Returns:
            Seconds to wait before it is started again; None to give it up.
        """
        if lived_s >= self.policy.well_s:
            self.was_well = True
            self.deaths_in_row = 0
        self.deaths_in_row += 1
        if not self.was_well and (code in NEVER_RETRY or self.deaths_in_row >= self.policy.attempts):
            return None
        exponent = min(self.deaths_in_row - 1, 30)
        return min(self.policy.cap_s, self.policy.first_s * self.policy.factor**exponent)
