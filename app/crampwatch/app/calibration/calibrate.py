"""Making a calibration: live from what is published, or of a recording whose times are known."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from crampwatch.app.analysis.reanalyse import sensor_info
from crampwatch.app.calibration.guide import Guide, Moment
from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.config.settings import Settings
from crampwatch.app.supervise.build import broker_address
from crampwatch.bus.client import Bus, Message
from crampwatch.decoding.session import BootStarted, decode_sensor
from crampwatch.detector.calibration.builder import CalibrationMaker, Segment, Wearing
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
"""Begin and end of each phase, seconds from the first sample."""

_PATIENCE_S: Final = 20.0
"""A sensor that was just switched on takes so long to connect."""
_LOOK_S: Final = 3.0
"""For others, once one was heard."""
_SILENCE_S: Final = 8.0
_BLOCK_S: Final = 1.0
_CHUNK_S: Final = 10.0


async def calibrate_live(
    settings: Settings, *, sensor: str | None, phase_s: float, show: Callable[[Moment], None]
) -> Calibration:
    """Listen to a sensor while its wearer is led through the phases.

    Args:
        settings: Where the broker is.
        sensor: Its id; None where only one sends.
        phase_s: Length of each phase.
        show: Told where one is, several times a second.

    Raises:
        UnavailableError: The broker is not there, or no sensor sends.
        ConfigurationError: Several sensors send and none was named.
        CalibrationRefusedError: It would mislead.
    """
    address = broker_address(settings, "reader")
    subscriptions = {leaf_filter(leaf): leaf.qos for leaf in (Leaf.INFO, Leaf.SAMPLES)}
    async with Bus(address, client_id=f"crampwatch-calibrate-{os.getpid()}", subscriptions=subscriptions) as bus:
        hearing = _Hearing(bus)
        info, first = await hearing.choose(sensor)
        guide = Guide(info, first, phase_s=phase_s)
        moment = guide.take(first)
        while moment is not None:
            show(moment)
            moment = guide.take(await hearing.next_block(first))
    return guide.make()


class _Hearing:
    """What sensors say on the broker."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._infos: dict[str, messages.SensorInfo] = {}
        self._sender = ""

    async def choose(self, wanted: str | None) -> tuple[messages.SensorInfo, SampleBlock]:
        """Return a sensor that sends EMG now, with a block of it.

        Raises:
            UnavailableError: The wanted one does not send, or none does.
            ConfigurationError: Several send.
        """
        sending: dict[str, SampleBlock] = {}
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(_PATIENCE_S) as patience:
                while wanted is None or wanted not in sending:
                    heard = self._take(await self._bus.receive())
                    if heard and not sending and wanted is None:
                        patience.reschedule(clock() + _LOOK_S)
                    sending |= heard
        except TimeoutError:
            pass  # now all that send have been heard
        names = sorted(sending)
        if wanted not in sending and (wanted is not None or not names):
            raise UnavailableError(
                f"{wanted or 'No sensor'} sends nothing; heard were: {', '.join(names) or 'none'}.",
                advice="Start `crampwatch wear` first and wear the sensor.",
            )
        if wanted is None and len(names) > 1:
            raise ConfigurationError(
                f"Several sensors send: {', '.join(names)}.", advice="Say which one to calibrate, one after the other."
            )
        self._sender = wanted or names[0]
        return self._infos[self._sender], sending[self._sender]

    async def next_block(self, like: SampleBlock) -> SampleBlock:
        """Return the next block of the chosen sensor's stream.

        Raises:
            UnavailableError: It fell silent.
        """
        try:
            async with asyncio.timeout(_SILENCE_S):
                while True:
                    block = self._take(await self._bus.receive()).get(self._sender)
                    if block is not None and block.stream == like.stream:
                        return block
        except TimeoutError:
            raise UnavailableError(
                f"{self._sender} fell silent for {_SILENCE_S:g} s.", advice="Bring it nearer and begin again."
            ) from None

    def _take(self, message: Message) -> dict[str, SampleBlock]:
        """Take a message; return the block of EMG that it is, by its sensor."""
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
    """Make a calibration of a recording; it belongs to no sensor.

    Raises:
        RecordingError: It cannot be read.
        CalibrationRefusedError: It would mislead.
    """
    recording = options.read(path)
    maker = CalibrationMaker(recording.stream)
    first = 0
    stop = round(max(span[1] for span in spans.values()) * recording.stream.rate_hz) + 1
    for chunk in recording.chunks(max(1, round(_CHUNK_S * recording.stream.rate_hz))):
        if first >= stop:
            break
        maker.push(first, chunk)
        first += len(chunk)
    start_ns = recording.start_utc_ns
    made_ns = 0 if start_ns is None else start_ns + round(max(span[1] for span in spans.values()) * 1e9)
    return maker.make(_segments(spans, recording.stream.rate_hz, 0), made_ns=made_ns)


def calibrate_session(path: Path, spans: Spans, *, sensor: str | None) -> Calibration:
    """Make a calibration of what a session holds of a sensor's first boot.

    Raises:
        RecordingError: The session is damaged.
        ConfigurationError: There are several sensors and none was named, or no such sensor.
        CalibrationRefusedError: It would mislead.
    """
    with SessionReader(path) as reader:
        chosen = _chosen(reader.sensors(), sensor)
        info: messages.SensorInfo | None = None
        maker, first = None, None
        for item in decode_sensor(reader, chosen, block_s=_BLOCK_S):
            if isinstance(item, BootStarted) and info is None:
                info = sensor_info(item.info, chosen, reader.head, reader.ended_utc_ns)
            if not isinstance(item, SampleBlock) or info is None or item.boot_id != info.boot_id:
                continue
            stream = next((row for row in info.streams if row.stream == item.stream and row.kind == "emg"), None)
            if stream is None:
                continue
            if maker is None or first is None:
                maker, first = CalibrationMaker(stream_description(stream)), item
            maker.push(item.first_index, microvolts(item))
    if maker is None or first is None or info is None:
        raise ConfigurationError(f"{path} holds no EMG of {chosen.sensor}.", advice="Name another sensor.")
    last_s = max(span[1] for span in spans.values())
    wearing = Wearing(chosen.sensor, info.placement.side, info.placement.muscle, info.boot_id)
    segments = _segments(spans, maker.stream.rate_hz, first.first_index)
    return maker.make(segments, wearing=wearing, made_ns=first.first_utc_ns + round(last_s * 1e9))


def _segments(spans: Spans, rate_hz: float, first_index: int) -> list[Segment]:
    return [
        Segment(phase, *(first_index + round(edge_s * rate_hz) for edge_s in span)) for phase, span in spans.items()
    ]


def _chosen(sensors: Iterable[SessionSensor], wanted: str | None) -> SessionSensor:
    known = {one.sensor: one for one in sensors}
    if wanted in known:
        return known[wanted]
    if wanted is None and len(known) == 1:
        return next(iter(known.values()))
    raise ConfigurationError(
        f"The session holds {', '.join(sorted(known)) or 'no sensor'}.", advice="Say which one: --sensor NAME."
    )
