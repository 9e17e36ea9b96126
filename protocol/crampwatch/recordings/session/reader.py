"""Reads the EMG of one sensor of a session, on one continuous time axis.

A session holds frames as they arrived, of several boots of a sensor, with what was fetched from its memory later. They
are decoded into blocks in the order of time (`crampwatch.decoding`). Sample 0 is the first sample of the first boot.
Within a boot the sensor's sample index decides the place of a sample, since its crystal is steadier than the times of
arrival; a later boot, whose index starts again at 0, is placed by its UTC time. What is missing becomes NaN.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from crampwatch.decoding.session import BootStarted, decode_sensor
from crampwatch.journal import SessionReader
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import ConfigurationError, FrameError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import RecordKind, SessionSensor
from crampwatch.protocol.stream import StreamDescription, StreamKind
from crampwatch.protocol.temperature import decode_temperature
from crampwatch.recordings.channel_choice import Candidate, choose
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording, Samples, Temperature

__all__ = ["read_session"]

_BLOCK_S: Final = 10.0
_TEMPERATURE_HZ: Final = 1.0
_STALE_S: Final = 120
"""A temperature older than this is missing: sensors send one every few seconds to a minute."""


@dataclass(slots=True)
class _Axis:
    """Positions of the samples of all boots, counted from the first sample of the first boot.

    Attributes:
        start_ns: UTC of position 0.
        rate_hz: Samples per second.
    """

    start_ns: int
    rate_hz: float
    _boots: dict[int, int]

    def position_of(self, block: SampleBlock) -> int:
        """Return the position of the first sample of a block."""
        if block.boot_id not in self._boots:
            at = round((block.first_utc_ns - self.start_ns) / 1e9 * self.rate_hz)
            self._boots[block.boot_id] = at - block.first_index
        return self._boots[block.boot_id] + block.first_index


def read_session(
    path: Path, *, sensor: str | None = None, channels: Sequence[str | int] | None = None
) -> tuple[Recording, SessionSensor]:
    """Open one sensor of a session as a recording.

    Args:
        path: The session file; it may still be written to.
        sensor: Id of the sensor; may be None if the session has only one.
        channels: Labels, or numbers from 1; all where None.

    Raises:
        ConfigurationError: There are several sensors and none was named; or no such sensor or channel.
        RecordingError: The session holds no EMG of the sensor, or is damaged.
    """
    with SessionReader(path) as reader:
        chosen = _choose_sensor(path, reader.sensors(), sensor)
        stream, first = _first_block(reader, chosen)
        labels = _channel_labels(chosen, stream)
        asked = channels if channels is not None else range(1, stream.channels + 1)
        columns = choose([Candidate(label, "uV", stream.rate_hz) for label in labels], asked).indices
        recording = Recording(
            stream=replace(stream, channels=len(columns), labels=tuple(labels[column] for column in columns)),
            blocks=partial(_read_blocks, path, chosen, stream, first.first_utc_ns, columns),
            origin=Origin(reader.head.origin),
            source_text=f"{path}, sensor {chosen.sensor}",
            start_utc_ns=first.first_utc_ns,
            temperature=_read_temperature(reader, chosen, first.first_utc_ns),
            value_step=stream.lsb_uv,
            sensor=chosen.sensor,
        )
    return recording, chosen


def _choose_sensor(path: Path, sensors: tuple[SessionSensor, ...], name: str | None) -> SessionSensor:
    found = [one for one in sensors if name in (None, one.sensor)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.sensor for one in sensors) or "none"
    met = (
        f"{path} holds several sensors"
        if found
        else f"{path} has no sensor {name!r}"
        if sensors
        else f"{path} has no sensors"
    )
    raise ConfigurationError(f"{met}.", advice=f"Name one with --only, or sensor= in Python: {names}.")


def _channel_labels(sensor: SessionSensor, stream: StreamDescription) -> tuple[str, ...]:
    """Return labels that name muscle and side, and by which other programs recognise the channels as EMG."""
    side = sensor.side if sensor.side != "unknown" else ""
    names = stream.labels or tuple(f"{sensor.muscle} {number}".strip() for number in range(1, stream.channels + 1))
    return tuple(
        name if name.upper().startswith("EMG") else " ".join(part for part in ("EMG", side, name) if part)
        for name in names
    )


def _first_block(reader: SessionReader, sensor: SessionSensor) -> tuple[StreamDescription, SampleBlock]:
    streams: dict[int, StreamDescription] = {}
    for item in decode_sensor(reader, sensor):
        if isinstance(item, BootStarted):
            streams = {one.stream: one for one in item.info.streams if one.kind is StreamKind.EMG}
        elif isinstance(item, SampleBlock) and item.stream in streams:
            return streams[item.stream], item
    raise RecordingError(
        f"{reader.path} holds no EMG of {sensor.sensor}.",
        advice="There is nothing to read or export.",
        code="nothing_to_export",
    )


def _read_blocks(
    path: Path, sensor: SessionSensor, stream: StreamDescription, start_ns: int, columns: Sequence[int]
) -> Iterator[Samples]:
    axis, next_position = _Axis(start_ns, stream.rate_hz, {}), 0
    with SessionReader(path) as reader:
        for item in decode_sensor(reader, sensor, block_s=_BLOCK_S):
            if not isinstance(item, SampleBlock) or item.stream != stream.stream:
                continue
            if item.counts.shape[1] != stream.channels or item.rate_hz != stream.rate_hz:
                continue  # another device by the same name: its samples do not fit this time axis
            position = axis.position_of(item)
            yield from _missing_samples(position - next_position, len(columns))
            fresh = item.counts[max(0, next_position - position) :, list(columns)]
            scale = item.lsb * 1e6 if math.isfinite(item.lsb) and item.lsb > 0 else 1.0
            yield fresh.astype(np.float64) * scale
            next_position = max(next_position, position + len(item.counts))


def _missing_samples(samples: int, channels: int) -> Iterator[Samples]:
    while samples > 0:
        piece = min(samples, BLOCK_SAMPLES)
        yield np.full((piece, channels), math.nan)
        samples -= piece


def _read_temperature(reader: SessionReader, sensor: SessionSensor, start_ns: int) -> Temperature | None:
    """Return the skin temperature once a second: the latest reading, while it is not stale."""
    readings: list[tuple[int, float]] = []
    for record in reader.records(sensor.key, kinds=[RecordKind.TEMPERATURE]):
        try:
            readings.append((round((record.utc_ns - start_ns) / 1e9), decode_temperature(record.payload)))
        except FrameError:
            continue  # the collector counted it as broken when it arrived
    if not readings or readings[-1][0] < 0:
        return None
    values = np.full(readings[-1][0] + 1, math.nan)
    for (second, celsius), (until, _) in zip(readings, [*readings[1:], (len(values), 0.0)], strict=True):
        if until > 0:
            values[max(0, second) : min(until, max(0, second) + _STALE_S)] = celsius
    return Temperature(values, _TEMPERATURE_HZ)
