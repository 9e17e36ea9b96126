"""JSON of `/api/v1/alarms` and `/api/v1/sensors`."""

from typing import Annotated

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Name
from crampwatch.web.model.alarms import Clock
from crampwatch.web.night.bedtime import Step
from msgspec import Meta, Struct

__all__ = ["Acknowledgement", "AlarmChoice", "NightStep", "Snooze"]


class Snooze(Struct, frozen=True, forbid_unknown_fields=True):
    """Silences the alarm of one kind for some seconds; 0 ends its snooze."""

    kind: EpisodeKind
    seconds: int


class Acknowledgement(Struct, frozen=True, forbid_unknown_fields=True):
    """Marks episodes as seen."""

    episodes: Annotated[list[Name], Meta(min_length=1, max_length=50)]


class AlarmChoice(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Chooses the kinds with an alarm, and the wake-up time; a field left out stays as it is."""

    calls: list[EpisodeKind] | None = None
    wake_at: Clock | None = None


class NightStep(Struct, frozen=True, forbid_unknown_fields=True):
    """Starts or ends the night."""

    step: Step
