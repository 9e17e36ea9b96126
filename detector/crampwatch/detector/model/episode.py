"""An episode of muscle activity: the detector's result, and the one class for it between detector and wire.

An episode is reported in revisions. The first has the status `opened`; later ones refine onset, kind and confidence
(`updated`); the last is `closed`, or `retracted` where it turned out to be none. A revision replaces all earlier ones
of the same `episode_id`. The same class carries the revisions of a live run and the list that a finished recording
ends with, so that both are scored and printed alike.

What MQTT carries is `crampwatch.protocol.messages.Episode`: the same with absolute times and a sensor.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crampwatch.protocol.kinds import EpisodeKind, Unit
from crampwatch.protocol.reasons import Reason

__all__ = ["Episode", "EpisodeStatus", "kind_name"]


def kind_name(kind: EpisodeKind, *, count: int = 1) -> str:
    """Return a kind in words, as one says of `count` episodes.

    >>> kind_name(EpisodeKind.TWITCH, count=2)
    'twitches'
    """
    name = "rhythmic movement" if kind is EpisodeKind.RHYTHMIC else kind.replace("_", " ")
    if count == 1:
        return name
    return f"{name}es" if name.endswith("ch") else f"{name}s"


class EpisodeStatus(StrEnum):
    """Where an episode is in its life."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True, repr=False)
class Episode:
    """One episode of muscle activity, as far as it is understood in this revision.

    Sample indices count from the first sample that the detector was given (in a live run: from the sensor's boot), and
    times in seconds are measured from that same sample.

    Attributes:
        status: OPENED, UPDATED, CLOSED, or RETRACTED: it was no episode, discard it.
        episode_id: The same in all revisions, and again when the recording is analysed again.
        revision: 1, 2, 3... within the id.
        kind: The most likely kind at this revision.
        onset_index: Sample of the first visible activity.
        offset_index: Sample after the last visible activity; None while the episode is open.
        detected_index: Sample at which this kind was first recognised.
        channels: Columns that take part, counted from 0, the strongest first.
        confidence: Estimated probability that the kind is right, 0 to 1.
        peak: Largest deviation in the EMG band, in `unit`.
        unit: `uV`, or `relative` where the scale of the signal is unknown.
        why: Evidence for and against, as codes with numbers; `reasons` has it as text.
        rate_hz: Samples per second and channel.
        labels: Names of `channels`, where the signal has names.
        calibration: Id and date of the personal calibration that was used; empty without one.
    """

    status: EpisodeStatus
    episode_id: str
    revision: int
    kind: EpisodeKind
    onset_index: int
    offset_index: int | None
    detected_index: int
    channels: tuple[int, ...]
    confidence: float
    peak: float
    unit: Unit
    why: tuple[Reason, ...]
    rate_hz: float
    labels: tuple[str, ...] = ()
    calibration: str = ""

    @property
    def onset_s(self) -> float:
        """First visible activity, seconds."""
        return self.onset_index / self.rate_hz

    @property
    def offset_s(self) -> float:
        """Last visible activity, seconds; NaN while the episode is open."""
        return math.nan if self.offset_index is None else self.offset_index / self.rate_hz

    @property
    def duration_s(self) -> float:
        """Length, seconds; NaN while the episode is open."""
        return self.offset_s - self.onset_s

    @property
    def detected_at_s(self) -> float:
        """When this kind was first recognised, seconds."""
        return self.detected_index / self.rate_hz

    @property
    def reasons(self) -> tuple[str, ...]:
        """Evidence for and against, one English sentence each."""
        return tuple(reason.text for reason in self.why)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name, ready for JSON or as a row of a `pandas.DataFrame`; None while not known."""
        is_open = self.offset_index is None
        return {
            "onset_s": self.onset_s,
            "offset_s": None if is_open else self.offset_s,
            "duration_s": None if is_open else self.duration_s,
            "kind": self.kind.value,
            "channels": list(self.channels),
            "labels": list(self.labels),
            "confidence": self.confidence,
            "peak": self.peak,
            "unit": self.unit,
            "detected_at_s": self.detected_at_s,
            "reasons": list(self.reasons),
            "status": self.status.value,
            "episode_id": self.episode_id,
            "revision": self.revision,
            "calibration": self.calibration,
        }

    def __str__(self) -> str:
        """Return a line for people: channels by label, or counted from 1.

        >>> from crampwatch.protocol.reasons import ReasonCode
        >>> print(Episode(EpisodeStatus.CLOSED, "s1-12300-0", 4, EpisodeKind.CRAMP, 12_300, 48_100, 14_900, (0,), 0.93,
        ...               61.4, "uV", (Reason(code=ReasonCode.LASTED, number=35.8),), 1000.0))
        likely cramp, 12.3-48.1 s (35.8 s), channel 1, confidence 0.93: It lasted 35.8 s.
        """
        if self.status is EpisodeStatus.RETRACTED:
            return f"retracted: {self._summary()}"
        return ": ".join(part for part in (self._summary(), " ".join(self.reasons)) if part)

    def __repr__(self) -> str:
        return f"<Episode {self._summary()}, {self.status}>"

    def _summary(self) -> str:
        if self.offset_index is None:
            span = f"since {self.onset_s:.1f} s"
        else:
            span = f"{self.onset_s:.1f}-{self.offset_s:.1f} s ({self.duration_s:.1f} s)"
        return f"likely {kind_name(self.kind)}, {span}, {self._place()}, confidence {self.confidence:.2f}"

    def _place(self) -> str:
        if self.labels:
            return " + ".join(self.labels)
        numbers = " + ".join(str(channel + 1) for channel in self.channels)
        return f"channels {numbers}" if len(self.channels) > 1 else f"channel {numbers}"
