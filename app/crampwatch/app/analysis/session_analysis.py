"""Analyses a recorded session as a whole, with the same detector that followed it live.

A session holds everything that was received, in the order in which it arrived. Decoding puts it in the order in which
the sensor measured it, so that samples fetched late (after the radio link was lost) lie in their place; the live
detector had to go on without them. That is the one difference between the live and the final result: code and settings
are the same. One `LiveAnalysis` runs per boot and stream, since the sample index starts at zero with each boot.

Every episode keeps the id it had live, because the id is made of sensor, boot, stream and onset: the final episode
replaces the live one in the store. `retractions` lists the live ones that have no successor.

Reads the session file; everything else is pure.
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

__all__ = ["SensorAnalysis", "SessionEvent", "analyse_session", "retractions", "sensor_info"]

_BLOCK_S: Final = 15.0
"""Long blocks cost the detector a third of short ones; the sensor's clock drifts by less than a millisecond in one."""

Progress = Callable[[int, int | None], None]
SessionEvent = messages.Message | SampleBlock
Listener = Callable[[SessionSensor, SessionEvent], None]


@dataclass(frozen=True, slots=True)
class SensorAnalysis:
    """The final result for one sensor of a session.

    Attributes:
        sensor: As recorded in the session.
        unit: Of amplitudes.
        first_utc_ns: Time of the first EMG sample; None where there is none.
        boot_id: Boot of the first sample.
        first_index: Index of the first sample within its boot.
        samples: EMG samples per channel, received live or fetched later.
        monitored_s: Length of these samples.
        episodes: By onset; all with the status ``final``.
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
        """Return seconds from the sensor's first sample to an episode's onset.

        Exact to the sample within the boot of the first sample; by the clock after a reboot.
        """
        return self._seconds_to(episode, episode.onset_index)

    def offset_s(self, episode: messages.Episode) -> float:
        """Return seconds from the sensor's first sample to an episode's end."""
        return self._seconds_to(
            episode, episode.detected_index if episode.offset_index is None else episode.offset_index
        )

    def detected_at_s(self, episode: messages.Episode) -> float:
        """Return seconds from the sensor's first sample to when a live detector would have reported an episode."""
        return self._seconds_to(episode, episode.detected_index)

    def _seconds_to(self, episode: messages.Episode, index: int) -> float:
        if episode.boot_id == self.boot_id:
            return (index - self.first_index) / episode.rate_hz
        since_onset_s = (index - episode.onset_index) / episode.rate_hz
        return (episode.onset_ns - (self.first_utc_ns or 0)) / 1e9 + since_onset_s


def analyse_session(
    reader: SessionReader, *, progress: Progress | None = None, listener: Listener | None = None
) -> Iterator[SensorAnalysis]:
    """Yield the result for each sensor of a session, with the calibrations of the data folder that holds the session.

    Args:
        reader: Of the session.
        progress: Called with the EMG samples done; their total is not known, so that its second argument is None.
        listener: Called with everything on the way, in the order of time: what the sensor is, its EMG, battery and
            temperature, and what the detector published, with episodes as they were live.

    Raises:
        RecordingError: The session is damaged.
    """
    done = 0
    calibrations = CalibrationFolder(DataFolder(reader.path.absolute().parent.parent).calibrations)
    for sensor in reader.sensors():
        analyser = _SensorAnalyser(
            sensor, reader.head, reader.ended_utc_ns, listener, calibrations.for_sensor(sensor.sensor)
        )
        for item in decode_sensor(reader, sensor, block_s=_BLOCK_S):
            analyser.push(item)
            if progress is not None and isinstance(item, SampleBlock):
                progress(done + analyser.samples, None)
        done += analyser.samples
        yield analyser.finish()


def retractions(
    live: Iterable[messages.Episode], finals: Iterable[messages.Episode], *, t_ns: int
) -> list[messages.Episode]:
    """Return a retraction for each live episode that the final analysis did not confirm.

    Args:
        live: Episodes of the session that the store holds.
        finals: Episodes of the final analysis.
        t_ns: Time of the analysis, UTC.
    """
    confirmed = {episode.id for episode in finals}
    return [
        msgspec.structs.replace(episode, status="retracted", revision=episode.revision + 1, t_ns=t_ns)
        for episode in live
        if episode.id not in confirmed and episode.status != "retracted"
    ]


@dataclass(slots=True)
class _SensorAnalyser:
    """Passes the decoded items of one sensor to the detector, and collects its episodes."""

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

    def push(self, item: DecodedItem) -> None:
        if isinstance(item, BootStarted):
            self._infos[item.info.boot_id] = item.info
            self._notify(sensor_info(item.info, self.sensor, self.head, self.ended_ns))
        elif isinstance(item, BatteryReading):
            self._notify(self._battery_message(item))
        elif isinstance(item, SampleBlock):
            self._push_block(item)
        elif isinstance(item, TemperatureReading):
            self._push_temperature(item)

    def finish(self) -> SensorAnalysis:
        for analysis in self._analyses.values():
            self._collect(analysis.finish())
        first = self._first
        return SensorAnalysis(
            self.sensor,
            self._unit,
            None if first is None else first.first_utc_ns,
            0 if first is None else first.boot_id,
            0 if first is None else first.first_index,
            self.samples,
            self.monitored_s,
            tuple(sorted(self._episodes.values(), key=lambda episode: episode.onset_ns)),
        )

    def _push_block(self, block: SampleBlock) -> None:
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
        self._notify(block)
        self._collect(self._analyses[key].push(block))

    def _push_temperature(self, reading: TemperatureReading) -> None:
        message = messages.Temperature(
            sensor=self.sensor.sensor,
            t_ns=reading.utc_ns,
            origin=Origin(self.head.origin),
            celsius=reading.celsius if math.isfinite(reading.celsius) else None,
        )
        self._notify(message)
        for analysis in self._analyses.values():
            analysis.push_temperature(message)

    def _battery_message(self, reading: BatteryReading) -> messages.Battery:
        origin = Origin(self.head.origin)
        return messages.Battery(sensor=self.sensor.sensor, t_ns=reading.utc_ns, origin=origin, percent=reading.percent)

    def _notify(self, event: SessionEvent) -> None:
        if self.listener is not None:
            self.listener(self.sensor, event)

    def _collect(self, published: Iterable[messages.Message]) -> None:
        for message in published:
            self._notify(message)
            if not isinstance(message, messages.Episode):
                continue
            if message.status == "retracted":
                self._episodes.pop(message.id, None)
            else:
                self._episodes[message.id] = msgspec.structs.replace(message, status="final")


def sensor_info(info: Info, sensor: SessionSensor, head: SessionHead, ended_ns: int | None) -> messages.SensorInfo:
    """Return the message by which a sensor was introduced on the bus, from its INFO record and the session."""
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
        placement=messages.Placement(side=_placement_side(sensor.side), muscle=sensor.muscle[:500]),
    )


def _placement_side(text: str) -> Literal["left", "right", "unknown"]:
    return "left" if text == "left" else "right" if text == "right" else "unknown"
