"""JSON of `/api/v1/nights`. Times ending in `_ns` are UTC nanoseconds."""

import base64
import math
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import Episode, Nanoseconds
from crampwatch.web.live.ring import Floats
from msgspec import Meta, Struct

__all__ = [
    "HELP_OPTIONS",
    "MAX_COLUMNS",
    "EpisodeDetail",
    "EpisodeRow",
    "Label",
    "LabelChange",
    "MarkedNight",
    "Night",
    "NightRow",
    "NightSensor",
    "Packed",
    "Signal",
    "SignalQuery",
    "SpectrumImage",
    "SpectrumQuery",
    "Verdict",
    "pack_values",
]

Verdict = Literal["confirmed", "not_a_cramp", "unsure"]
HELP_OPTIONS: Final = ("stretch", "stand", "massage", "warmth", "nothing", "other")
Help = Literal["stretch", "stand", "massage", "warmth", "nothing", "other"]
_MISSING: Final = -32768
_FULL_SCALE: Final = 32767
MAX_COLUMNS: Final = 4000
"""More than the pixels of any screen's width."""
_Time = Annotated[int, Meta(ge=0, lt=1 << 62)]


class SignalQuery(Struct, frozen=True, kw_only=True):
    """Which sensor and span of time, and the number of screen columns for it."""

    sensor: Annotated[str, Meta(min_length=1, max_length=120)]
    from_ns: _Time
    to_ns: _Time
    columns: Annotated[int, Meta(ge=1, le=MAX_COLUMNS)] = 1000


class SpectrumQuery(Struct, frozen=True, kw_only=True):
    """Which sensor, channel and span of time."""

    sensor: Annotated[str, Meta(min_length=1, max_length=120)]
    from_ns: _Time
    to_ns: _Time
    channel: Annotated[int, Meta(ge=0, le=63)] = 0


class Label(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The wearer's answers about an episode; null or empty where there is none.

    Attributes:
        verdict: What it was, in the wearer's opinion.
        pain: From 0 (none) to 10.
        woke: Whether it woke the wearer.
        at_ns: Time of the newest answer.
    """

    verdict: Verdict | None = None
    pain: Annotated[int, Meta(ge=0, le=10)] | None = None
    woke: bool | None = None
    helped: list[Help] = []
    note: Annotated[str, Meta(max_length=500)] = ""
    at_ns: int = 0


class LabelChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New answers about an episode; a field left out stays as it is, null withdraws the answer."""

    verdict: Verdict | msgspec.UnsetType | None = msgspec.UNSET
    pain: Annotated[int, Meta(ge=0, le=10)] | msgspec.UnsetType | None = msgspec.UNSET
    woke: bool | msgspec.UnsetType | None = msgspec.UNSET
    helped: Annotated[list[Help], Meta(max_length=6)] | msgspec.UnsetType = msgspec.UNSET
    note: Annotated[str, Meta(max_length=500)] | msgspec.UnsetType = msgspec.UNSET


class NightRow(Struct, frozen=True, kw_only=True):
    """A night in the list of nights.

    Attributes:
        night: Name: the date of its evening, with the prefix ``demo.`` or ``replay.`` if the data is not real.
        running: Whether one of its recordings has not ended.
        sensors: Number of sensors.
        kinds: Number of episodes of each kind, without retracted ones.
        longest_cramp_ns: Duration of the longest likely cramp; 0 if there was none.
    """

    night: str
    origin: Origin
    from_ns: Nanoseconds
    to_ns: Nanoseconds
    utc_offset_s: int
    running: bool
    sensors: int
    kinds: dict[str, int]
    longest_cramp_ns: int


class NightSensor(Struct, frozen=True, kw_only=True):
    """One sensor's data in a night.

    Attributes:
        unit: Unit of its signal: ``uV``, or ``relative`` if the scale is unknown.
        channels: Number of EMG channels; 0 while none is known.
        labels: Labels of the channels; may be empty.
        gaps_ns: Start and end of each time without samples.
        temperature: Readings: seconds since the night's start, and degrees Celsius.
        recorded_s: Total time with samples.
        has_signal: Whether there is a signal to draw.
    """

    sensor: str
    name: str
    side: str
    muscle: str
    unit: str
    rate_hz: float
    channels: int
    labels: list[str]
    gaps_ns: list[tuple[int, int]]
    temperature: list[tuple[float, float]]
    recorded_s: float
    has_signal: bool


class EpisodeRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An episode in a night's list; `EpisodeDetail` has everything about it."""

    id: str
    sensor: str
    kind: EpisodeKind
    status: Literal["opened", "updated", "closed", "final", "retracted"]
    onset_ns: int
    offset_ns: int | None
    channels: list[int]
    confidence: float
    peak: float
    unit: str
    label: Label | None = None


class MarkedNight(Struct, frozen=True, kw_only=True):
    """The night between the wearer's "Start the night" and "Good morning".

    Attributes:
        to_ns: Null until the wearer ended the night.
        recorded_s: Time in it during which at least one sensor had samples.
    """

    from_ns: int
    to_ns: int | None
    recorded_s: float


class Night(Struct, frozen=True, kw_only=True):
    """A night.

    Attributes:
        running: Whether it is being recorded.
        read: How much of its recordings has been read, 0 to 1; below 1, gaps may only be parts not read yet.
        recorded_s: Time during which at least one sensor had samples.
        said: The night as the wearer marked it; null if not marked.
        problems: What cannot be shown and why, in English; ``deleted`` for a deleted recording.
        before: Name of the night before it with data of the same origin; null if there is none.
        after: Name of the night after it with data of the same origin; null if there is none.
    """

    night: str
    origin: Origin
    from_ns: int
    to_ns: int
    utc_offset_s: int
    running: bool
    read: float
    recorded_s: float
    said: MarkedNight | None
    sensors: list[NightSensor]
    episodes: list[EpisodeRow]
    problems: list[str]
    before: str | None
    after: str | None


class Packed(Struct, frozen=True, kw_only=True):
    """Values at equal steps: little-endian int16 in base64, order [step][channel][field], to be multiplied by `scale`.

    -32768 marks missing data: a gap.

    Attributes:
        from_ns: Start of the first step.
        step_ns: Length of a step.
        n: Number of steps.
        scale: Value of one count.
    """

    from_ns: int
    step_ns: float
    n: int
    channels: int
    fields: int
    scale: float
    data: str


class Signal(Struct, frozen=True, kw_only=True):
    """One sensor's signal over a span of time.

    Attributes:
        wave: Lowest and highest value of each step.
        envelope: The detector's envelope, floor and threshold of each step.
        is_samples: Whether each step of `wave` is a single sample.
    """

    wave: Packed
    envelope: Packed
    is_samples: bool


class SpectrumImage(Struct, frozen=True, kw_only=True):
    """A spectrum over time: bytes in base64, order [column][row], lowest frequency first.

    0 marks missing data, 255 the strongest value; 1 is weaker than 255 by `range_db`.
    """

    from_ns: int
    step_s: float
    columns: int
    rows: int
    top_hz: float
    strongest_db: float
    range_db: float
    data: str


class EpisodeDetail(Struct, frozen=True, kw_only=True):
    """Everything about one episode.

    Attributes:
        episode: The valid result: the final one if there is one.
        live: The live result, if a final one has replaced it.
        label: The wearer's answers.
        envelope_mean: Mean of the envelope during the episode; null if the store does not have it.
        floor: Mean resting level during the episode; null if it is unknown.
        threshold: Mean threshold during the episode; null if it is unknown.
        median_hz: Mean of the median frequency during the episode; null if it is unknown.
    """

    episode: Episode
    live: Episode | None
    label: Label
    envelope_mean: float | None
    floor: float | None
    threshold: float | None
    median_hz: float | None


def pack_values(values: Floats, *, from_ns: int, step_ns: float) -> Packed:
    """Pack values of shape (steps, channels, fields)."""
    finite = np.isfinite(values)
    peak = float(np.abs(values, where=finite, out=np.zeros_like(values)).max(initial=0.0))
    scale = peak / _FULL_SCALE if peak > 0 and math.isfinite(peak) else 1.0
    counts = np.full(values.shape, _MISSING, "<i2")
    counts[finite] = np.rint(values[finite] / scale)
    return Packed(
        from_ns=from_ns,
        step_ns=step_ns,
        n=values.shape[0],
        channels=values.shape[1],
        fields=values.shape[2],
        scale=scale,
        data=base64.b64encode(counts.tobytes()).decode(),
    )
