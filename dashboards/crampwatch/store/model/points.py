"""What is stored of each message, and under which key (pure; the tables are in docs/store.md).

There are two kinds of stored items. A *reading* is a set of values at one moment (a temperature, one feature step); its
key is measurement, sensor, channel and time. A *document* has an id and revisions (an episode, a notice); its key is
measurement and id, and the revision with the highest *rank* replaces the others. Both keys and the rank follow from the
message alone, so that storing a message again, in whatever order, changes nothing.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from crampwatch.protocol import messages
from crampwatch.protocol.messages import Message
from crampwatch.protocol.topics import Leaf

__all__ = ["STORED_LEAVES", "Document", "Reading", "Value", "document_of", "document_time_ns", "readings_of"]

Value = float | int | bool | str

STORED_LEAVES: Final = tuple(leaf for leaf in Leaf if leaf is not Leaf.SAMPLES)
"""All but the samples: the session files hold those, and the store only excerpts around episodes."""
_FINAL_RANK: Final = 1 << 32
"""Added to the revision of a final episode: more than any live revision can reach."""
_STEP_GRID_NS: Final = 10_000_000
"""Times of feature steps are rounded to this grid, a tenth of a step: when a step is published again after a restart,
its time may differ by microseconds, and its key must not."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of a sensor, or of one of its channels, at a moment.

    Attributes:
        measurement: The topic leaf of the message, such as ``temperature``.
        origin: ``live``, ``demo`` or ``replay``.
        fields: Values by name; unknown values are absent.
        channel: Counted from 0; None for the whole sensor.
    """

    measurement: str
    sensor: str
    origin: str
    t_ns: int
    fields: dict[str, Value]
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One revision of something with an id.

    Attributes:
        measurement: ``episode``, ``notice``, ``journal`` or ``session``.
        id: The same for all revisions.
        origin: ``live``, ``demo`` or ``replay``.
        t_ns: Start, UTC; of a document without duration the moment itself.
        end_ns: End, UTC; None while it lasts, `t_ns` for a document without duration.
        rank: The revision with the highest rank is the valid one.
        fields: Values to query by; known ones only.
        message: The complete message.
    """

    measurement: str
    id: str
    sensor: str
    origin: str
    t_ns: int
    end_ns: int | None
    rank: int
    fields: dict[str, Value]
    message: Message


def readings_of(message: Message) -> list[Reading]:
    """Return the readings of a message; empty if it is a document or has no known value."""
    if isinstance(message, messages.Features):
        return list(_feature_readings(message))
    fields = {name: value for name, value in _fields_of(message).items() if value is not None}
    leaf = _READING_LEAVES.get(type(message))
    if leaf is None or not fields:
        return []
    return [Reading(leaf, message.sensor, message.origin, message.t_ns, fields)]


def document_of(message: Message) -> Document | None:
    """Return the document of a message, or None if it consists of readings."""
    for kind, make in _DOCUMENTS.items():
        if isinstance(message, kind):
            return make(message)
    return None


def document_time_ns(document: Document) -> int:
    """Return a time that identifies a document in a database that holds one point per series and time.

    The last three digits of its start are replaced by a hash of its id, so that two documents of the same microsecond
    get different times (with a chance of 999 in 1,000), and the same document always the same.

    >>> from crampwatch.protocol.kinds import Origin
    >>> note = messages.JournalEntry(sensor="a", t_ns=5_000_123, origin=Origin.LIVE, id="x", entry="note")
    >>> document = document_of(note)
    >>> document_time_ns(document) // 1000
    5000
    """
    return document.t_ns - document.t_ns % 1000 + zlib.crc32(document.id.encode()) % 1000


def _feature_readings(message: messages.Features) -> Iterator[Reading]:
    step_ns = message.step_s * 1e9
    for channel, features in enumerate(message.channels):
        columns = {name: getattr(features, name) for name in messages.ChannelFeatures.__struct_fields__[:5]}
        quality: dict[str, Value] = {"quality": ",".join(features.quality)} if features.quality else {}
        for step in range(len(features.rms)):
            values = {name: column[step] for name, column in columns.items() if column[step] is not None}
            if values or quality:
                t_ns = round((message.t_ns + step * step_ns) / _STEP_GRID_NS) * _STEP_GRID_NS
                yield Reading("features", message.sensor, message.origin, t_ns, values | quality, channel)


def _fields_of(message: Message) -> dict[str, Value | None]:
    match message:
        case messages.Temperature():
            return {"celsius": message.celsius}
        case messages.Battery():
            return {"percent": message.percent, "empty_at_ns": message.empty_at_ns}
        case messages.Link():
            names = ("connected", "rssi_dbm", "received_samples", "lost_samples", "backfilled_samples")
            return {name: getattr(message, name) for name in (*names, "broken_frames", "reconnects")}
        case messages.SensorState():
            faults = [",".join(channel) for channel in message.quality]
            return {"state": message.state, "quality": ";".join(faults) if any(faults) else "good"}
        case messages.ServiceStatus():
            return {name: getattr(message, name) for name in ("online", "service", "backlog", "free_bytes")}
    return {}


_READING_LEAVES: Final[dict[type[Message], str]] = {
    messages.Temperature: "temperature",
    messages.Battery: "battery",
    messages.Link: "link",
    messages.SensorState: "state",
    messages.ServiceStatus: "status",
}


def _episode_document(message: messages.Episode) -> Document:
    rank = message.revision + (_FINAL_RANK if message.status == "final" else 0)
    length_s = None if message.offset_ns is None else (message.offset_ns - message.onset_ns) / 1e9
    fields: dict[str, Value | None] = {
        "kind": message.kind.value,
        "status": message.status,
        "session": message.session,
        "onset_ns": message.onset_ns,
        "offset_ns": message.offset_ns,
        "duration_s": length_s,
        "confidence": message.confidence,
        "peak": message.peak,
        "unit": message.unit,
        "channels": ",".join(map(str, message.channels)),
        "reasons": "; ".join(message.reasons),
    }
    return _make_document(
        "episode", message.id, message, span_ns=(message.onset_ns, message.offset_ns), rank=rank, fields=fields
    )


def _notice_document(message: messages.Notice) -> Document:
    fields: dict[str, Value | None] = {
        "code": message.code,
        "severity": message.severity,
        "text": message.text,
        "episode": message.episode,
    }
    return _make_document(
        "notice", message.id, message, span_ns=(message.t_ns, message.t_ns), rank=message.t_ns, fields=fields
    )


def _journal_document(message: messages.JournalEntry) -> Document:
    fields: dict[str, Value | None] = {
        "entry": message.entry,
        "text": message.text,
        "value": message.value,
        "episode": message.episode,
    }
    return _make_document(
        "journal", message.id, message, span_ns=(message.t_ns, message.t_ns), rank=message.t_ns, fields=fields
    )


def _session_document(message: messages.SensorInfo) -> Document:
    fields: dict[str, Value | None] = {
        "session": message.session,
        "name": message.name,
        "profile": message.profile,
        "side": message.placement.side,
        "muscle": message.placement.muscle,
        "ended_ns": message.ended_ns,
    }
    key = f"{message.session}.{message.sensor}"
    span_ns = (message.started_ns, message.ended_ns)
    return _make_document("session", key, message, span_ns=span_ns, rank=message.t_ns, fields=fields)


def _make_document(
    measurement: str,
    key: str,
    message: Message,
    *,
    span_ns: tuple[int, int | None],
    rank: int,
    fields: dict[str, Value | None],
) -> Document:
    known = {name: value for name, value in fields.items() if value is not None}
    return Document(measurement, key, message.sensor, message.origin, *span_ns, rank, known, message)


_DOCUMENTS: Final[dict[type[Message], Callable[..., Document]]] = {
    messages.Episode: _episode_document,
    messages.Notice: _notice_document,
    messages.JournalEntry: _journal_document,
    messages.SensorInfo: _session_document,
}
