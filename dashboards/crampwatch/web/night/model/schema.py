"""What the page is told of nights: the shapes behind `/api/v1/nights`. Times ending in `_ns` are UTC nanoseconds."""

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
    "SpectrumImage",
    "Verdict",
    "pack_values",
]

Verdict = Literal["confirmed", "not_a_cramp", "unsure"]
HELP_OPTIONS: Final = ("stretch", "stand", "massage", "warmth", "nothing", "other")
Help = Literal["stretch", "stand", "massage", "warmth", "nothing", "other"]
_UNKNOWN: Final = -32768
_FULL_SCALE: Final = 32767


class Label(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the wearer noted of an episode; null or empty: nothing.

    Attributes:
        pain: 0 to 10.
        woke: Whether it woke the wearer.
        helped: What helped.
        at_ns: When it was noted last.
    """

    verdict: Verdict | None = None
    pain: Annotated[int, Meta(ge=0, le=10)] | None = None
    woke: bool | None = None
    helped: list[Help] = []
    note: Annotated[str, Meta(max_length=500)] = ""
    at_ns: int = 0


class LabelChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be noted of an episode; what is left out stays as it is, null takes back what was noted."""

    verdict: Verdict | msgspec.UnsetType | None = msgspec.UNSET
    pain: Annotated[int, Meta(ge=0, le=10)] | msgspec.UnsetType | None = msgspec.UNSET
    woke: bool | msgspec.UnsetType | None = msgspec.UNSET
    helped: Annotated[list[Help], Meta(max_length=6)] | msgspec.UnsetType = msgspec.UNSET
    note: Annotated[str, Meta(max_length=500)] | msgspec.UnsetType = msgspec.UNSET


class NightRow(Struct, frozen=True, kw_only=True):
    """A night of the list.

    Attributes:
        night: Its name: the date of the evening, after ``demo.`` or ``replay.`` where it is not a real one.
        running: Whether it is still recorded.
        kinds: Episodes that stand, by kind.
        longest_cramp_ns: Length of the longest likely cramp; 0 where there was none.
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
    """A sensor's part of a night.

    Attributes:
        gaps_ns: Begin and end of what was not recorded.
        temperature: Seconds since the night's begin, and degrees Celsius.
        recorded_s: How long there were samples.
        has_signal: Whether its recording can be drawn.
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
    """An episode of a night's list; the rest is told when it is asked for."""

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
    """A night as the wearer said it was.

    Attributes:
        to_ns: Null until its end was said.
        recorded_s: How long any sensor had samples in it.
    """

    from_ns: int
    to_ns: int | None
    recorded_s: float


class Night(Struct, frozen=True, kw_only=True):
    """A night.

    Attributes:
        read: How much of its recordings was read so far, 0 to 1: until then what is missing may only be unread.
        recorded_s: How long any sensor had samples.
        said: As the wearer said it was; null where nothing was said.
        problems: What cannot be shown, and why, for people.
        before: The night before it, if there is one.
        after: The night after it, if there is one.
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
    """Values at equal steps, packed: little-endian int16 in base64, order [step][channel][field], times `scale`.

    -32768 is where nothing is known: a gap.

    Attributes:
        from_ns: Begin of the first step.
        step_ns: From step to step.
        n: Steps.
    """

    from_ns: int
    step_ns: float
    n: int
    channels: int
    fields: int
    scale: float
    data: str


class Signal(Struct, frozen=True, kw_only=True):
    """A stretch of a night.

    Attributes:
        wave: Lowest and highest value of each step.
        envelope: Envelope, floor and threshold of each step, as the detector saw them.
        is_samples: Each step of `wave` is one sample.
    """

    wave: Packed
    envelope: Packed
    is_samples: bool


class SpectrumImage(Struct, frozen=True, kw_only=True):
    """A spectrum over time: octets in base64, order [column][row], lowest frequency first.

    0 is where nothing is known, 255 the strongest, 1 weaker by `range_db`.
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
        episode: The verdict that holds.
        live: What was said live, where the final verdict came after it.
        label: What the wearer noted.
        envelope_mean: While it lasted; null where the store does not know. Likewise the others.
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
    counts = np.full(values.shape, _UNKNOWN, "<i2")
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
