"""Makes calibrations: live from published samples, or from a session or recording whose times the user gives."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.session_analysis import sensor_info
from crampwatch.app.calibration.guide import Guide, GuideStep
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.addresses import broker_address
from crampwatch.app.config.settings import Settings
from crampwatch.bus.client import Bus, Message
from crampwatch.decoding.session import BootStarted, decode_sensor
from crampwatch.detector.calibration.builder import CalibrationBuilder, Segment, SensorPlacement
from crampwatch.detector.calibration.calibration import Calibration, Phase
from crampwatch.detector.service.stream_analysis import microvolts, stream_description
from crampwatch.journal import SessionReader
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import ConfigurationError, FrameError, UnavailableError
from crampwatch.protocol.records import SessionSensor
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["calibrate_live", "calibrate_recording", "calibrate_session"]

Spans = Mapping[Phase, tuple[float, float]]
"""Start and end of each phase, in seconds from the first sample."""

_FIRST_SENSOR_TIMEOUT_S: Final = 20.0
"""A sensor that was just switched on takes this long to connect."""
_OTHER_SENSORS_S: Final = 3.0
"""Time to look for further sensors once one sends: all of them publish four times a second."""
_SILENCE_S: Final = 8.0
"""Without samples for this long the calibration ends, so that the wearer does not continue for nothing."""
_BLOCK_S: Final = 1.0
_CHUNK_S: Final = 10.0


async def calibrate_live(
    settings: Settings, *, sensor: str | None, phase_s: float, show: Callable[[GuideStep], None]
) -> Calibration:
    """Measure a running sensor while its wearer is guided through the phases.

    Args:
        settings: Name the broker.
        sensor: Its id; None where only one sends.
        phase_s: Length of each phase.
        show: Called with the present step, several times per second.

    Raises:
        UnavailableError: The broker does not answer, or no sensor sends.
        ConfigurationError: Several sensors send and none was named.
        CalibrationRefusedError: It would mislead the detector.
    """
    address = broker_address(settings, "reader")
    subscriptions = {leaf_filter(leaf): leaf.qos for leaf in (Leaf.INFO, Leaf.SAMPLES)}
    async with Bus(address, client_id=f"crampwatch-calibrate-{os.getpid()}", subscriptions=subscriptions) as bus:
        sensors = _SensorSubscription(bus)
        info, first = await sensors.choose(sensor)
        guide = Guide(info, first, phase_s=phase_s)
        step = guide.push(first)
        while step is not None:
            show(step)
            step = guide.push(await sensors.next_block(first))
    return guide.make()


class _SensorSubscription:
    """Samples of the sensors on a broker, and which of them to calibrate."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._infos: dict[str, messages.SensorInfo] = {}
        self._chosen = ""

    async def choose(self, wanted: str | None) -> tuple[messages.SensorInfo, SampleBlock]:
        """Return a sensor that sends EMG now, with a block of it.

        Raises:
            UnavailableError: The named sensor does not send, or none does.
            ConfigurationError: Several send.
        """
        sending: dict[str, SampleBlock] = {}
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(_FIRST_SENSOR_TIMEOUT_S) as deadline:
                while wanted is None or wanted not in sending:
                    received = self._handle(await self._bus.receive())
                    if received and not sending and wanted is None:
                        deadline.reschedule(clock() + _OTHER_SENSORS_S)
                    sending |= received
        except TimeoutError:
            pass  # by now every sensor that sends is known
        names = sorted(sending)
        if wanted not in sending and (wanted is not None or not names):
            others = f"; these do: {', '.join(names)}" if names else ""
            raise UnavailableError(
                f"The sensor {wanted} sends no samples{others}." if wanted else "No sensor sends samples.",
                advice="Start `crampwatch wear` first, and put the sensor on.",
            )
        if wanted is None and len(names) > 1:
            raise ConfigurationError(
                f"Several sensors send: {', '.join(names)}.",
                advice="Choose one by --sensor NAME; calibrate them one after the other.",
            )
        self._chosen = wanted or names[0]
        return self._infos[self._chosen], sending[self._chosen]

    async def next_block(self, like: SampleBlock) -> SampleBlock:
        """Return the next block of the chosen sensor, of the same stream as `like`.

        Raises:
            UnavailableError: No block came for some seconds.
        """
        try:
            async with asyncio.timeout(_SILENCE_S):
                while True:
                    block = self._handle(await self._bus.receive()).get(self._chosen)
                    if block is not None and block.stream == like.stream:
                        return block
        except TimeoutError:
            raise UnavailableError(
                f"The sensor {self._chosen} has sent no samples for {_SILENCE_S:g} s.",
                advice="Bring it closer, then start the calibration again.",
            ) from None

    def _handle(self, message: Message) -> dict[str, SampleBlock]:
        """Return the EMG block of a message by its sensor; empty for any other message."""
        message.ack()
        try:
            topic = Topic.parse(message.topic)
            if topic.leaf is Leaf.INFO:
                self._infos[topic.sensor] = messages.decode(message.payload, messages.SensorInfo)
                return {}
            block = SampleBlock.decode(message.payload)
        except FrameError:
            return {}  # the services count and log these
        info = self._infos.get(topic.sensor)
        is_emg = info is not None and any(row.stream == block.stream and row.kind == "emg" for row in info.streams)
        return {topic.sensor: block} if is_emg else {}


def calibrate_recording(path: Path, options: ReaderOptions, spans: Spans) -> Calibration:
    """Make a calibration from a recording; it belongs to no sensor.

    Raises:
        RecordingError: The recording cannot be read.
        CalibrationRefusedError: It would mislead the detector.
    """
    recording = options.read(path)
    builder = CalibrationBuilder(recording.stream)
    first = 0
    stop = round(max(span[1] for span in spans.values()) * recording.stream.rate_hz) + 1
    for chunk in recording.chunks(max(1, round(_CHUNK_S * recording.stream.rate_hz))):
        if first >= stop:
            break
        builder.push(first, chunk)
        first += len(chunk)
    start_ns = recording.start_utc_ns
    made_ns = 0 if start_ns is None else start_ns + round(max(span[1] for span in spans.values()) * 1e9)
    return builder.build(_segments(spans, recording.stream.rate_hz, 0), made_ns=made_ns)


def calibrate_session(path: Path, spans: Spans, *, sensor: str | None) -> Calibration:
    """Make a calibration from a session; it belongs to the session's sensor. Spans count from the first boot's start.

    Raises:
        RecordingError: The session is damaged.
        ConfigurationError: There are several sensors and none was named, or no such sensor.
        CalibrationRefusedError: It would mislead the detector.
    """
    with SessionReader(path) as reader:
        chosen = _choose_sensor(reader.sensors(), sensor)
        info: messages.SensorInfo | None = None
        builder, first = None, None
        for item in decode_sensor(reader, chosen, block_s=_BLOCK_S):
            if isinstance(item, BootStarted) and info is None:
                info = sensor_info(item.info, chosen, reader.head, reader.ended_utc_ns)
            if not isinstance(item, SampleBlock) or info is None or item.boot_id != info.boot_id:
                continue
            stream = next((row for row in info.streams if row.stream == item.stream and row.kind == "emg"), None)
            if stream is None:
                continue
            if builder is None or first is None:
                builder, first = CalibrationBuilder(stream_description(stream)), item
            builder.push(item.first_index, microvolts(item))
    if builder is None or first is None or info is None:
        raise ConfigurationError(f"{path} holds no EMG of {chosen.sensor}.", advice="Name another sensor.")
    last_s = max(span[1] for span in spans.values())
    placement = SensorPlacement(chosen.sensor, info.placement.side, info.placement.muscle, info.boot_id)
    segments = _segments(spans, builder.stream.rate_hz, first.first_index)
    return builder.build(segments, placement=placement, made_ns=first.first_utc_ns + round(last_s * 1e9))


def _segments(spans: Spans, rate_hz: float, first_index: int) -> list[Segment]:
    return [
        Segment(phase, *(first_index + round(edge_s * rate_hz) for edge_s in span)) for phase, span in spans.items()
    ]


def _choose_sensor(sensors: Iterable[SessionSensor], wanted: str | None) -> SessionSensor:
    by_name = {one.sensor: one for one in sensors}
    if wanted in by_name:
        return by_name[wanted]
    if wanted is None and len(by_name) == 1:
        return next(iter(by_name.values()))
    raise ConfigurationError(
        f"The session holds these sensors: {', '.join(sorted(by_name)) or 'none'}.",
        advice="Choose one by --sensor NAME.",
    )
