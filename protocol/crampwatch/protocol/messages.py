"""The JSON messages on MQTT, one class a leaf (docs/messages.md; schemas in docs/schema/).

Readers skip fields they do not know, so a field may be added within a version; what changes meaning gets a new topic
root. Times ending in ``_ns`` are UTC nanoseconds since 1970. Amplitudes are microvolts where ``unit`` is ``uV``, else
relative to the sensor's own unknown scale.
"""

import inspect
import json
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.kinds import EpisodeKind, Origin, Quality, Unit
from crampwatch.protocol.reasons import Reason
from crampwatch.protocol.topics import Leaf, Topic
from msgspec import Meta, Struct

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MESSAGE_TYPES",
    "Battery",
    "ChannelFeatures",
    "Episode",
    "Features",
    "JournalEntry",
    "Link",
    "Message",
    "Notice",
    "NoticeCode",
    "Placement",
    "SensorInfo",
    "SensorState",
    "ServiceStatus",
    "Severity",
    "StreamInfo",
    "Temperature",
    "Unit",
    "decode",
    "decode_for_topic",
    "encode",
    "json_schemas",
]

MAX_MESSAGE_BYTES: Final = 1 << 20

Text = Annotated[str, Meta(max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
# Bounds leave room to add and subtract within 64 bits, as databases count.
Nanoseconds = Annotated[int, Meta(ge=0, lt=1 << 62)]
Index = Annotated[int, Meta(ge=0, lt=1 << 53)]
Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
Share = Annotated[float, Meta(ge=0, le=1)]
Severity = Literal["info", "warning", "alarm"]
NoticeCode = Literal[
    "cramp", "long_cramp", "sensor_silent", "sensor_back", "battery_low", "disk_low", "lead_off", "broken_frames"
]
_Points = Annotated[tuple[float | None, ...], Meta(max_length=4096)]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What every message carries.

    Attributes:
        sensor: As in the topic.
        t_ns: When what it tells was so.
        origin: Where the data came from.
        v: Version of the message.
    """

    sensor: Name
    t_ns: Nanoseconds
    origin: Origin
    v: Literal[1] = 1


class ServiceStatus(Message, frozen=True, kw_only=True):
    """Leaf ``status``: whether the sensor, or the service named, is there. ``offline`` is also the last will.

    Attributes:
        backlog: How many messages wait to be passed on; null where nothing ever waits.
        free_bytes: Left on the disk the service writes to; null where it writes to none.
    """

    online: bool
    service: Name
    version: Text = ""
    detail: Text = ""
    backlog: Count | None = None
    free_bytes: Count | None = None


class Placement(Struct, frozen=True, kw_only=True):
    """Where a sensor is worn."""

    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: Text = ""


class StreamInfo(Struct, frozen=True, kw_only=True):
    """A stream, as described by the sensor; ``lsb_uv`` is null where its scale is unknown."""

    stream: Annotated[int, Meta(ge=1, le=15)]
    kind: Literal["emg", "temperature", "acceleration", "impedance"]
    channels: Annotated[int, Meta(ge=1, le=64)]
    rate_hz: Annotated[float, Meta(gt=0, le=100_000)]
    lsb_uv: float | None
    band_hz: tuple[float, float]
    labels: tuple[Text, ...] = ()


class SensorInfo(Message, frozen=True, kw_only=True):
    """Leaf ``info``: who the sensor is and what it streams, for the present session.

    Attributes:
        session: UUID of the recording.
        started_ns: When the recording began.
        ended_ns: When it ended; null while it runs.
        utc_offset_s: The local time's offset where the recording began.
        boot_id: The sensor's boot that sample indices count from.
    """

    session: Name
    name: Name
    profile: Name
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)]
    streams: tuple[StreamInfo, ...]
    started_ns: Nanoseconds
    utc_offset_s: int
    ended_ns: Nanoseconds | None = None
    placement: Placement = Placement()
    firmware: Text = ""


class Temperature(Message, frozen=True, kw_only=True):
    """Leaf ``temperature``: of the skin; null where the sensor does not know."""

    celsius: Annotated[float, Meta(ge=-273.15, le=330)] | None


class Battery(Message, frozen=True, kw_only=True):
    """Leaf ``battery``: with the time it will be empty, where a forecast can be made."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    empty_at_ns: Nanoseconds | None = None


class Link(Message, frozen=True, kw_only=True):
    """Leaf ``link``: how the radio fares; counts are since the session began."""

    connected: bool
    rssi_dbm: int | None = None
    received_samples: Count = 0
    lost_samples: Count = 0
    """Missing now: neither received live nor backfilled."""
    backfilled_samples: Count = 0
    broken_frames: Count = 0
    reconnects: Count = 0


class ChannelFeatures(Struct, frozen=True, kw_only=True):
    """Features of one channel, one value a step; null where there was no signal."""

    rms: _Points
    envelope: _Points
    floor: _Points
    threshold: _Points
    median_hz: _Points
    quality: tuple[Quality, ...] = ()
    """What was wrong anywhere in the batch."""


class Features(Message, frozen=True, kw_only=True):
    """Leaf ``features``: a batch on a regular grid; ``t_ns`` is its first step's time."""

    session: Name
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)]
    first_index: Index
    step_samples: Annotated[int, Meta(gt=0, lt=1 << 32)]
    step_s: Annotated[float, Meta(gt=0, le=3600)]
    unit: Unit
    channels: Annotated[tuple[ChannelFeatures, ...], Meta(max_length=64)]


class SensorState(Message, frozen=True, kw_only=True):
    """Leaf ``state``: what the foot does now, since ``t_ns``."""

    state: Literal["rest", "active", "cramp", "poor_signal", "off_body", "no_data"]
    session: Name
    quality: tuple[tuple[Quality, ...], ...] = ()
    """A channel's present faults."""


class Episode(Message, frozen=True, kw_only=True):
    """Leaf ``episode``: one id, growing revisions; the highest revision holds, and a final one before any live one.

    Attributes:
        id: Same for every revision; made of sensor, boot, stream and onset, so that saying it twice is harmless.
        status: ``final`` is the verdict of the run over the complete session.
        onset_ns: Begin, UTC.
        offset_ns: End, UTC; null while it lasts.
        onset_index: The sample it begins at, since the sensor's boot.
        detected_index: The sample at which the detector could first have said what it says now.
        confidence: Calibrated share of such decisions that are right.
        peak: Greatest envelope value.
        reasons: Why, in words a person can read.
        why: The same, one by one, for readers of another language; empty where the writer knew no codes.
        calibration: Id and UTC date of the personal calibration it was judged with; empty where there was none.
    """

    id: Name
    revision: Annotated[int, Meta(ge=0, lt=1 << 32)]
    status: Literal["opened", "updated", "closed", "final", "retracted"]
    kind: EpisodeKind
    session: Name
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)]
    onset_ns: Nanoseconds
    offset_ns: Nanoseconds | None
    onset_index: Index
    offset_index: Index | None
    detected_index: Index
    rate_hz: Annotated[float, Meta(gt=0, le=100_000)]
    channels: tuple[int, ...]
    confidence: Share
    peak: float
    unit: Unit
    reasons: tuple[Text, ...]
    why: Annotated[tuple[Reason, ...], Meta(max_length=100)] = ()
    calibration: Annotated[str, Meta(max_length=40)] = ""


class Notice(Message, frozen=True, kw_only=True):
    """Leaf ``notice``: what a person should know now.

    Attributes:
        id: Same for a notice told twice.
        code: For programs.
        text: For people.
        episode: The episode it is about, if any.
    """

    id: Name
    severity: Severity
    code: NoticeCode
    text: Text
    episode: str | None = None


class JournalEntry(Message, frozen=True, kw_only=True):
    """Leaf ``journal``: what the wearer notes."""

    id: Name
    entry: Literal["factor", "confirmation", "pain", "relief", "note", "marker"]
    text: Text = ""
    value: float | None = None
    episode: str | None = None


MESSAGE_TYPES: Final[dict[Leaf, type[Message]]] = {
    Leaf.STATUS: ServiceStatus,
    Leaf.INFO: SensorInfo,
    Leaf.TEMPERATURE: Temperature,
    Leaf.BATTERY: Battery,
    Leaf.LINK: Link,
    Leaf.FEATURES: Features,
    Leaf.STATE: SensorState,
    Leaf.EPISODE: Episode,
    Leaf.NOTICE: Notice,
    Leaf.JOURNAL: JournalEntry,
}
"""The class of each leaf; ``samples`` is not JSON: see :mod:`crampwatch.protocol.block`."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final = {kind: msgspec.json.Decoder(kind) for kind in MESSAGE_TYPES.values()}
AnyMessage = TypeVar("AnyMessage", bound=Message)


def encode(message: Message) -> bytes:
    """Return a message as JSON."""
    return _ENCODER.encode(message)


def decode(payload: bytes, kind: type[AnyMessage]) -> AnyMessage:
    """Read a message.

    Raises:
        FrameError: Not JSON, or not a message of this kind.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise FrameError(f"A message has {len(payload)} octets; at most {MAX_MESSAGE_BYTES} are accepted.")
    try:
        message = _DECODERS[kind].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"A {kind.__name__} message cannot be read: {error}.") from error
    assert isinstance(message, kind)
    return message


def decode_for_topic(topic: Topic, payload: bytes) -> Message:
    """Read what came on a topic: a message of its leaf, about its sensor; who may speak for one may not for another.

    Raises:
        FrameError: It is not that, or the topic carries no JSON.
    """
    kind = MESSAGE_TYPES.get(topic.leaf)
    if kind is None:
        raise FrameError(f"Leaf {topic.leaf} carries no JSON.")
    message = decode(payload, kind)
    if message.sensor != topic.sensor:
        raise FrameError(f"It tells of sensor {message.sensor!r}.")
    return message


def json_schemas() -> dict[str, dict[str, object]]:
    """Return the JSON schema of each leaf by its name, the same whichever version of msgspec makes it."""
    return {leaf.value: _dedented(msgspec.json.schema(kind)) for leaf, kind in MESSAGE_TYPES.items()}


def _dedented(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its descriptions dedented: msgspec before 0.23 copies docstrings as they are indented."""
    document = json.dumps(schema)
    return dict(json.loads(document, object_hook=_with_clean_description))


def _with_clean_description(part: dict[str, Any]) -> dict[str, Any]:
    text = part.get("description")
    return part | {"description": inspect.cleandoc(text)} if isinstance(text, str) else part
