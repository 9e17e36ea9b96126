"""A session as a recording: one sensor's EMG on one time axis, gaps as gaps, for export."""

import math
from collections.abc import Iterator
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
from crampwatch.recordings import Recording, Temperature
from numpy.typing import NDArray

__all__ = ["session_recording"]

_BLOCK_S: Final = 10.0
_GAP_SAMPLES: Final = 65_536
_TEMPERATURE_HZ: Final = 1.0
_STALE_S: Final = 120
"""A temperature told longer ago than this is not the present one; sensors tell it every few seconds to a minute."""


@dataclass(slots=True)
class _Axis:
    """Where samples of any boot belong: the first boot counts by index, later ones are put by their time.

    Attributes:
        start_ns: Time of sample 0.
        rate_hz: Samples a second.
    """

    start_ns: int
    rate_hz: float
    _boots: dict[int, int]

    def place(self, block: SampleBlock) -> int:
        """Return the number of a block's first sample."""
        if block.boot_id not in self._boots:
            at = round((block.first_utc_ns - self.start_ns) / 1e9 * self.rate_hz)
            self._boots[block.boot_id] = at - block.first_index
        return self._boots[block.boot_id] + block.first_index


def session_recording(path: Path, *, sensor: str | None = None) -> tuple[Recording, SessionSensor]:
    """Open one sensor of a session as a recording.

    Args:
        path: Of the session.
        sensor: Its id; None where the session has only one.

    Raises:
        ConfigurationError: There are several sensors and none was named, or no such sensor.
        RecordingError: It holds no EMG, or is damaged.
    """
    with SessionReader(path) as reader:
        chosen = _choose(path, reader.sensors(), sensor)
        stream, first = _first_block(reader, chosen)
        recording = Recording(
            stream=replace(stream, labels=_labels(chosen, stream)),
            blocks=partial(_blocks, path, chosen, stream, first.first_utc_ns),
            origin=Origin(reader.head.origin),
            source_text=f"{path}, sensor {chosen.sensor}",
            start_utc_ns=first.first_utc_ns,
            temperature=_temperature(reader, chosen, first.first_utc_ns),
            value_step=stream.lsb_uv,
            sensor=chosen.sensor,
        )
    return recording, chosen


def _choose(path: Path, sensors: tuple[SessionSensor, ...], name: str | None) -> SessionSensor:
    found = [one for one in sensors if name in (None, one.sensor)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.sensor for one in sensors) or "none"
    met = f"{path} holds several sensors" if found else f"{path} has no sensor {name!r}" if name else f"{path} is empty"
    raise ConfigurationError(f"{met}.", advice=f"Name one by --only: {names}.")


def _labels(sensor: SessionSensor, stream: StreamDescription) -> tuple[str, ...]:
    """Return labels by which other programs, and our own readers, know the channels for EMG, and of which foot."""
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
        advice="There is nothing to export.",
        code="nothing_to_export",
    )


def _blocks(
    path: Path, sensor: SessionSensor, stream: StreamDescription, start_ns: int
) -> Iterator[NDArray[np.float64]]:
    axis, next_place = _Axis(start_ns, stream.rate_hz, {}), 0
    with SessionReader(path) as reader:
        for item in decode_sensor(reader, sensor, block_s=_BLOCK_S):
            if not isinstance(item, SampleBlock) or item.stream != stream.stream:
                continue
            if item.counts.shape[1] != stream.channels or item.rate_hz != stream.rate_hz:
                continue  # another device by the same name: its samples do not fit this time axis
            place = axis.place(item)
            yield from _gap(place - next_place, stream.channels)
            fresh = item.counts[max(0, next_place - place) :]
            scale = item.lsb * 1e6 if math.isfinite(item.lsb) and item.lsb > 0 else 1.0
            yield fresh.astype(np.float64) * scale
            next_place = max(next_place, place + len(item.counts))


def _gap(samples: int, channels: int) -> Iterator[NDArray[np.float64]]:
    while samples > 0:
        piece = min(samples, _GAP_SAMPLES)
        yield np.full((piece, channels), math.nan)
        samples -= piece


def _temperature(reader: SessionReader, sensor: SessionSensor, start_ns: int) -> Temperature | None:
    """Return the skin temperature once a second, each reading held until the next."""
    told: list[tuple[int, float]] = []
    for record in reader.records(sensor.key, kinds=[RecordKind.TEMPERATURE]):
        try:
            told.append((round((record.utc_ns - start_ns) / 1e9), decode_temperature(record.payload)))
        except FrameError:
            continue  # the collector counted it as broken when it arrived
    if not told or told[-1][0] < 0:
        return None
    values = np.full(told[-1][0] + 1, math.nan)
    for (second, celsius), (until, _) in zip(told, [*told[1:], (len(values), 0.0)], strict=True):
        if until > 0:
            values[max(0, second) : min(until, max(0, second) + _STALE_S)] = celsius
    return Temperature(values, _TEMPERATURE_HZ)
