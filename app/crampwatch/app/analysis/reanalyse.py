"""The final verdict: a whole session decoded, backfilled gaps included, through the same detector that watched it live.

Every episode keeps the id it had live, since the id is made of sensor, boot, stream and onset. Pure but for the reading
of the session file.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.decoding.observation import BatteryReading, TemperatureReading
from crampwatch.decoding.session import BootStarted, DecodedItem, decode_sensor
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.detector.service.stream_analysis import LiveAnalysis
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.info import Info
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.records import SessionHead, SessionSensor

__all__ = ["Heard", "SensorVerdict", "retractions", "session_verdicts"]

_BLOCK_S: Final = 15.0
"""Long blocks cost the detector a third of short ones; the sensor's clock drifts by less than a millisecond in one."""

Progress = Callable[[int, int | None], None]
Heard = messages.Message | SampleBlock
Listener = Callable[[SessionSensor, Heard], None]


@dataclass(frozen=True, slots=True)
class SensorVerdict:
    """What a session holds of one sensor.

    Attributes:
        sensor: Whose.
        unit: Of amplitudes.
        first_utc_ns: Time of its first EMG sample; None where it has none.
        boot_id: Of that sample.
        first_index: Index of that sample.
        samples: EMG samples a channel that arrived, live or later.
        monitored_s: How long these last.
        episodes: Final, by onset.
    """

    sensor: SessionSensor
    unit: messages.Unit
    first_utc_ns: int | None
    boot_id: int
    first_index: int
    samples: int
    monitored_s: float
    episodes: tuple[messages.Episode, ...]

    def onset_s(self, episode: messages.Episode) -> float:
        """Return seconds from the sensor's first sample to an episode's begin, exact within the boot."""
        return self._seconds_to(episode, episode.onset_index, episode.onset_ns)

    def offset_s(self, episode: messages.Episode) -> float:
        """Return the same for its end."""
        index = episode.detected_index if episode.offset_index is None else episode.offset_index
        return self._seconds_to(episode, index, episode.onset_ns) + self._later_by_s(episode, index)

    def detected_at_s(self, episode: messages.Episode) -> float:
        """Return the same for when the detector could first have said it."""
        index = episode.detected_index
        return self._seconds_to(episode, index, episode.onset_ns) + self._later_by_s(episode, index)

    def _seconds_to(self, episode: messages.Episode, index: int, onset_ns: int) -> float:
        if episode.boot_id == self.boot_id:
            return (index - self.first_index) / episode.rate_hz
        return (onset_ns - (self.first_utc_ns or 0)) / 1e9

    def _later_by_s(self, episode: messages.Episode, index: int) -> float:
        """Return what is still to be added where a time was told by its begin, in another boot."""
        return 0.0 if episode.boot_id == self.boot_id else (index - episode.onset_index) / episode.rate_hz


def session_verdicts(
    reader: SessionReader, *, progress: Progress | None = None, listener: Listener | None = None
) -> Iterator[SensorVerdict]:
    """Yield the verdict on each sensor of a session, with the calibrations of the data folder it lies in.

    Args:
        reader: Of the session.
        progress: Told EMG samples done, and nothing of how many there are.
        listener: Told all on the way to the verdict, in the order of time: the sensor's introduction, its EMG, what it
            told besides, and what the detector said, episodes as it said them live.

    Raises:
        RecordingError: The session is damaged.
    """
    done = 0
    known = CalibrationFolder(DataFolder(reader.path.absolute().parent.parent).calibrations)
    for sensor in reader.sensors():
        hearing = _Hearing(sensor, reader.head, reader.ended_utc_ns, listener, known.for_sensor(sensor.sensor))
        for item in decode_sensor(reader, sensor, block_s=_BLOCK_S):
            hearing.take(item)
            if progress is not None and isinstance(item, SampleBlock):
                progress(done + hearing.samples, None)
        done += hearing.samples
        yield hearing.verdict()


def retractions(
    live: Iterable[messages.Episode], finals: Iterable[messages.Episode], *, t_ns: int
) -> list[messages.Episode]:
    """Return the withdrawal of each episode that was said live and did not stand.

    Args:
        live: What the store holds of the session.
        finals: The final verdict.
        t_ns: Time of the verdict, UTC.
    """
    standing = {episode.id for episode in finals}
    return [
        msgspec.structs.replace(episode, status="retracted", revision=episode.revision + 1, t_ns=t_ns)
        for episode in live
        if episode.id not in standing and episode.status != "retracted"
    ]


@dataclass(slots=True)
class _Hearing:
    """Takes what is decoded of one sensor, and lets the detector judge it."""

    sensor: SessionSensor
    head: SessionHead
    ended_ns: int | None
    listener: Listener | None = None
    calibrations: tuple[Calibration, ...] = ()
    samples: int = 0
    monitored_s: float = 0.0
    _first: SampleBlock | None = None
    _unit: messages.Unit = "uV"
    _infos: dict[int, Info] = field(default_factory=dict)
    _analyses: dict[tuple[int, int], LiveAnalysis] = field(default_factory=dict)
    _episodes: dict[str, messages.Episode] = field(default_factory=dict)

    def take(self, item: DecodedItem) -> None:
        if isinstance(item, BootStarted):
            self._infos[item.info.boot_id] = item.info
            self._tell(sensor_info(item.info, self.sensor, self.head, self.ended_ns))
        elif isinstance(item, BatteryReading):
            self._tell(self._battery(item))
        elif isinstance(item, SampleBlock):
            self._take_block(item)
        elif isinstance(item, TemperatureReading):
            self._take_temperature(item)

    def verdict(self) -> SensorVerdict:
        for analysis in self._analyses.values():
            self._note(analysis.finish())
        first = self._first
        return SensorVerdict(
            self.sensor,
            self._unit,
            None if first is None else first.first_utc_ns,
            0 if first is None else first.boot_id,
            0 if first is None else first.first_index,
            self.samples,
            self.monitored_s,
            tuple(sorted(self._episodes.values(), key=lambda episode: episode.onset_ns)),
        )

    def _take_block(self, block: SampleBlock) -> None:
        info = sensor_info(self._infos[block.boot_id], self.sensor, self.head, self.ended_ns)
        stream = next((row for row in info.streams if row.stream == block.stream), None)
        if stream is None or stream.kind != "emg":
            return
        if self._first is None:
            self._first = block
            self._unit = "relative" if stream.lsb_uv is None else "uV"
        self.samples += len(block.counts)
        self.monitored_s += len(block.counts) / block.rate_hz
        key = (block.boot_id, block.stream)
        if key not in self._analyses:
            self._analyses[key] = LiveAnalysis(info, block)
            self._analyses[key].use_calibrations(self.calibrations)
        self._tell(block)
        self._note(self._analyses[key].push(block))

    def _take_temperature(self, reading: TemperatureReading) -> None:
        message = messages.Temperature(
            sensor=self.sensor.sensor,
            t_ns=reading.utc_ns,
            origin=Origin(self.head.origin),
            celsius=reading.celsius if math.isfinite(reading.celsius) else None,
        )
        self._tell(message)
        for analysis in self._analyses.values():
            analysis.push_temperature(message)

    def _battery(self, reading: BatteryReading) -> messages.Battery:
        origin = Origin(self.head.origin)
        return messages.Battery(sensor=self.sensor.sensor, t_ns=reading.utc_ns, origin=origin, percent=reading.percent)

    def _tell(self, heard: Heard) -> None:
        if self.listener is not None:
            self.listener(self.sensor, heard)

    def _note(self, told: Iterable[messages.Message]) -> None:
        for message in told:
            self._tell(message)
            if not isinstance(message, messages.Episode):
                continue
            if message.status == "retracted":
                self._episodes.pop(message.id, None)
            else:
                self._episodes[message.id] = msgspec.structs.replace(message, status="final")


def sensor_info(info: Info, sensor: SessionSensor, head: SessionHead, ended_ns: int | None) -> messages.SensorInfo:
    """Return a sensor as it introduced itself on the bus."""
    return messages.SensorInfo(
        sensor=sensor.sensor,
        t_ns=head.started_utc_ns,
        origin=info.origin,
        session=head.session,
        name=sensor.name or sensor.sensor,
        profile=sensor.profile,
        boot_id=info.boot_id,
        streams=tuple(
            messages.StreamInfo(
                stream=one.stream,
                kind=one.kind.name.lower(),  # type: ignore[arg-type]  # the names are those of the literal
                channels=one.channels,
                rate_hz=one.rate_hz,
                lsb_uv=one.lsb_uv if one.has_scale else None,
                band_hz=one.band_hz,
                labels=one.labels,
            )
            for one in info.streams
        ),
        started_ns=head.started_utc_ns,
        utc_offset_s=head.utc_offset_s,
        ended_ns=ended_ns,
        placement=messages.Placement(side=_side(sensor.side), muscle=sensor.muscle[:500]),
    )


def _side(text: str) -> Literal["left", "right", "unknown"]:
    return "left" if text == "left" else "right" if text == "right" else "unknown"
