"""The JSON messages on MQTT, one class per leaf (docs/messages.md; schemas in docs/schema/).

Compatibility: readers skip fields they do not know, so a field may be added within a version. A change of meaning needs
a new topic root instead. Every number and text has a limit, because a message may come from a broken or hostile client
and must not fill memory, overflow a database column or a 64-bit sum.

Times ending in ``_ns`` are UTC nanoseconds since 1970. Amplitudes are in microvolts if ``unit`` is ``uV``, else in
counts of a sensor whose scale is unknown.
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
"""The largest message of ours, a batch of features of 64 channels, has about 100 kB."""

Text = Annotated[str, Meta(max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
# 2**62 leaves room to add and subtract within 64 bits, as databases count; 2**53 is exact in JavaScript.
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
    """Fields of every message.

    Attributes:
        sensor: Id of the sensor, the same as in the topic; a service has its name with an underscore in front.
        t_ns: The time that the message is about.
        origin: Whether the data is live, simulated or replayed.
        v: Version of the message layout.
    """

    sensor: Name
    t_ns: Nanoseconds
    origin: Origin
    v: Literal[1] = 1


class ServiceStatus(Message, frozen=True, kw_only=True):
    """Leaf ``status``: whether a sensor or service is online; also published by the broker when a service vanishes.

    Attributes:
        online: Whether it is there.
        service: The service itself, or the one that reports the sensor.
        version: Version of the service's software.
        detail: For people, such as the address of the live page.
        backlog: Messages that wait to be passed on; null for a service where none ever wait.
        free_bytes: Free space on the disk the service writes to; null for a service that writes to none.
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
    """A stream as the sensor describes it; ``lsb_uv``, microvolts per count, is null if its scale is unknown."""

    stream: Annotated[int, Meta(ge=1, le=15)]
    kind: Literal["emg", "temperature", "acceleration", "impedance"]
    channels: Annotated[int, Meta(ge=1, le=64)]
    rate_hz: Annotated[float, Meta(gt=0, le=100_000)]
    lsb_uv: float | None
    band_hz: tuple[float, float]
    labels: tuple[Text, ...] = ()


class SensorInfo(Message, frozen=True, kw_only=True):
    """Leaf ``info``: which sensor this is and what it streams, in the current session.

    Attributes:
        session: UUID of the recording.
        name: As the sensor advertises itself.
        profile: The sensor profile that decodes its notifications.
        boot_id: Random number of the sensor's power-up; its sample indices count from there.
        started_ns: Start of the recording.
        utc_offset_s: Offset of local time from UTC where and when the recording started.
        ended_ns: End of the recording; null while it runs.
        firmware: Firmware revision that the sensor reports.
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
    """Leaf ``temperature``: temperature of the skin; null if the sensor has no reading."""

    celsius: Annotated[float, Meta(ge=-273.15, le=330)] | None


class Battery(Message, frozen=True, kw_only=True):
    """Leaf ``battery``: charge left, and when it will be empty if that can be forecast."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    empty_at_ns: Nanoseconds | None = None


class Link(Message, frozen=True, kw_only=True):
    """Leaf ``link``: quality of the radio link; counts are since the start of the session."""

    connected: bool
    rssi_dbm: int | None = None
    received_samples: Count = 0
    lost_samples: Count = 0
    """Missing at the moment: neither received live nor backfilled."""
    backfilled_samples: Count = 0
    broken_frames: Count = 0
    reconnects: Count = 0


class ChannelFeatures(Struct, frozen=True, kw_only=True):
    """Features of one channel, one value per step; null where there was no signal."""

    rms: _Points
    envelope: _Points
    floor: _Points
    threshold: _Points
    median_hz: _Points
    quality: tuple[Quality, ...] = ()
    """Problems of the signal anywhere in the batch."""


class Features(Message, frozen=True, kw_only=True):
    """Leaf ``features``: a batch on a regular time grid; ``t_ns`` is the time of its first step."""

    session: Name
    boot_id: Annotated[int, Meta(ge=0, lt=1 << 32)]
    first_index: Index
    step_samples: Annotated[int, Meta(gt=0, lt=1 << 32)]
    step_s: Annotated[float, Meta(gt=0, le=3600)]
    unit: Unit
    channels: Annotated[tuple[ChannelFeatures, ...], Meta(max_length=64)]


class SensorState(Message, frozen=True, kw_only=True):
    """Leaf ``state``: what the muscle has been doing since ``t_ns``."""

    state: Literal["rest", "active", "cramp", "poor_signal", "off_body", "no_data"]
    session: Name
    quality: tuple[tuple[Quality, ...], ...] = ()
    """Current signal problems of each channel."""


class Episode(Message, frozen=True, kw_only=True):
    """Leaf ``episode``: one revision of an episode; the highest revision is valid, and a final one beats any live one.

    Attributes:
        id: Same for every revision; derived from sensor, boot, stream and onset, so that repeating it is harmless.
        revision: Counts up from 0.
        status: ``final`` is the result of the final analysis of the complete session.
        onset_ns: Start, UTC.
        offset_ns: End, UTC; null while it lasts.
        onset_index: Index of its first sample since the sensor's boot.
        offset_index: Index after its last sample; null while it lasts.
        detected_index: The earliest sample after which the detector can publish this revision.
        channels: Indices of the channels it was seen on.
        confidence: Calibrated share of such decisions that are right.
        peak: Largest value of the envelope.
        reasons: Why it was classified like this, as English sentences.
        why: The same as codes, for readers in other languages; empty if the writer had no codes.
        calibration: Id and UTC date of the personal calibration in use; empty if there was none.
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
    """Leaf ``notice``: something a person needs to know now.

    Attributes:
        id: Same for a notice that is published twice.
        severity: ``alarm`` wakes the wearer.
        code: What it is about, for programs.
        text: The same for people, in English.
        episode: Id of the episode it is about, if any.
    """

    id: Name
    severity: Severity
    code: NoticeCode
    text: Text
    episode: str | None = None


class JournalEntry(Message, frozen=True, kw_only=True):
    """Leaf ``journal``: a note of the wearer."""

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
"""Class of each leaf's messages. ``samples`` is binary: see :mod:`crampwatch.protocol.block`."""

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final = {kind: msgspec.json.Decoder(kind) for kind in MESSAGE_TYPES.values()}
AnyMessage = TypeVar("AnyMessage", bound=Message)


def encode(message: Message) -> bytes:
    """Return a message as JSON."""
    return _ENCODER.encode(message)


def decode(payload: bytes, kind: type[AnyMessage]) -> AnyMessage:
    """Decode and validate a message.

    Raises:
        FrameError: Too long, not JSON, or not a valid message of this kind.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise FrameError(f"A message has {len(payload)} bytes; at most {MAX_MESSAGE_BYTES} are accepted.")
    try:
        message = _DECODERS[kind].decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"A {kind.__name__} message cannot be read: {error}.") from error
    assert isinstance(message, kind)
    return message


def decode_for_topic(topic: Topic, payload: bytes) -> Message:
    """Decode a message and check that it belongs to its topic: of its leaf, and about its sensor.

    A client that may publish for one sensor must not be able to publish for another by what it writes in the message.

    Raises:
        FrameError: Not such a message, or the leaf carries no JSON.
    """
    kind = MESSAGE_TYPES.get(topic.leaf)
    if kind is None:
        raise FrameError(f"Leaf {topic.leaf} carries no JSON.")
    message = decode(payload, kind)
    if message.sensor != topic.sensor:
        raise FrameError(f"The message is about sensor {message.sensor!r}, but came on the topic of {topic.sensor!r}.")
    return message


def json_schemas() -> dict[str, dict[str, object]]:
    """Return the JSON schema of each leaf by its name, independent of the version of msgspec."""
    return {leaf.value: _dedented(msgspec.json.schema(kind)) for leaf, kind in MESSAGE_TYPES.items()}


def _dedented(schema: dict[str, Any]) -> dict[str, Any]:
    """Dedent all descriptions: msgspec before 0.23 copies docstrings with their indentation, later ones do not."""
    document = json.dumps(schema)
    return dict(json.loads(document, object_hook=_with_clean_description))


def _with_clean_description(part: dict[str, Any]) -> dict[str, Any]:
    text = part.get("description")
    return part | {"description": inspect.cleandoc(text)} if isinstance(text, str) else part
