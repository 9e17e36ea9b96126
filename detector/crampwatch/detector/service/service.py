"""The detector as a service: sample blocks from MQTT in; features, states, episodes and notices out.

A block is acknowledged after what follows from it was published and it is on the disk, itself or in the detector's
state. After a kill the broker sends the rest again, and what is said twice is the same to the letter.
"""

import asyncio
import logging
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus, Message, publish_message
from crampwatch.bus.embedded import ACK_WAIT_S
from crampwatch.bus.metrics import report_unreadable
from crampwatch.bus.service import ServiceShell, run_until_first_ends
from crampwatch.detector.service.calibration_files import CalibrationFolder
from crampwatch.detector.service.checkpoint_file import CheckpointFile
from crampwatch.detector.service.reorder import EarlyBlocks
from crampwatch.detector.service.stream_analysis import LiveAnalysis, analyse_together
from crampwatch.detector.service.write_ahead_log import LoggedStep, StreamKey
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["DetectorOptions", "run"]

CHECKPOINT_S: Final = 1.0
WHOLE_STATE_S: Final = 120.0
"""Until then what was taken is kept instead, a thirtieth of the octets; after a kill it is analysed again, within
seconds."""
UNACKNOWLEDGED_LIMIT: Final = 16
"""Brokers stop sending at their own limit, which they do not tell: Mosquitto at 20 messages, NATS at 1,000. So when no
more than a moment's silence follows this many, a checkpoint is made without waiting for its time."""
STALLED_S: Final = 0.02
LARGEST_BATCH: Final = 600
SILENCE_S: Final = 3.0
"""After which a page that shows the last state would mislead (DESIGN: stale data never looks live)."""
FAREWELL_S: Final = 1.0
CATCH_UP_S: Final = ACK_WAIT_S + 12.0
"""For so long after a restart or reconnection, older blocks may come after newer ones."""
_WAITING_BLOCKS: Final = 12
"""Blocks of a sensor that has not introduced itself: more would fill Mosquitto's window for good."""
_log: Final = logging.getLogger(__name__)
_LEAVES: Final = {
    messages.Features: Leaf.FEATURES,
    messages.SensorState: Leaf.STATE,
    messages.Episode: Leaf.EPISODE,
    messages.Notice: Leaf.NOTICE,
}


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """What the detector service needs.

    Attributes:
        broker: Where blocks come from and findings go.
        state_dir: Where checkpoints are kept.
        client_id: Fixed, so that the broker keeps for us what we have not acknowledged.
        calibrations: Where those of the wearers are kept; None where there are none.
    """

    broker: BrokerAddress
    state_dir: Path
    client_id: str = "crampwatch-detector"
    calibrations: Path | None = None


async def run(options: DetectorOptions, *, stop: asyncio.Event) -> None:
    """Detect until told to stop.

    Raises:
        UnavailableError: The broker refuses us, or the state cannot be written.
    """
    shell = ServiceShell(
        "detector",
        options.broker,
        client_id=options.client_id,
        subscriptions={leaf_filter(leaf): leaf.qos for leaf in (Leaf.INFO, Leaf.TEMPERATURE, Leaf.SAMPLES)},
        persistent=True,
    )
    async with shell:
        with closing(CheckpointFile(options.state_dir)) as kept:
            service = _Service(shell.bus, kept, options.calibrations)
            if await asyncio.to_thread(service.restore, stop):
                await run_until_first_ends(service.consume(stop), service.watch_silence())


class _Service:
    """Routes messages to analyses, and keeps the order: publish, checkpoint, acknowledge."""

    def __init__(self, bus: Bus, kept: CheckpointFile, calibrations: Path | None) -> None:
        self._bus = bus
        self._kept = kept
        self._calibrations = None if calibrations is None else CalibrationFolder(calibrations)
        self._infos = _known_infos(kept)
        self._analyses: dict[StreamKey, LiveAnalysis] = {}
        self._changed: set[StreamKey] = set()
        self._unsaved: set[StreamKey] = set()
        self._steps: list[LoggedStep] = []
        self._whole_due_s = asyncio.get_running_loop().time() + WHOLE_STATE_S
        self._taken: list[Message] = []
        self._waiting: defaultdict[str, deque[Message]] = defaultdict(deque)
        self._early: defaultdict[StreamKey, EarlyBlocks[tuple[SampleBlock, Message]]] = defaultdict(EarlyBlocks)
        self._heard_s: dict[StreamKey, float] = {}
        self._silent: set[StreamKey] = set()

    def restore(self, stop: asyncio.Event) -> bool:
        """Take again what was taken since the checkpoints; what follows from it was told then.

        Returns:
            Whether it was completed: after a stop in the middle nothing may be kept.
        """
        for key, steps in self._kept.steps_since_checkpoint().items():
            first = next((SampleBlock.decode(step.payload) for step in steps if step.what == "block"), None)
            analysis = None if first is None else self._begun(key, first)
            if analysis is None:
                continue
            for step in steps:
                if stop.is_set():
                    return False
                _take_again(analysis, step)
            analysis.flush()
            self._analyses[key] = analysis
            self._unsaved.add(key)
        return True

    async def consume(self, stop: asyncio.Event) -> None:
        """Take messages until told to stop; keep what was taken about once a second, and the whole state at the end.

        A message that was begun is finished: its findings and its place in the detector's state belong together. Where
        that cannot be done in time, as while the broker is away, no checkpoint is made and the broker sends it again.
        """
        stopping = asyncio.create_task(stop.wait())
        working = asyncio.create_task(self._work(stopping))
        try:
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({working}, timeout=FAREWELL_S)
            if working.done():
                working.result()
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.gather(stopping, working, return_exceptions=True)

    async def _work(self, stopping: "asyncio.Task[Literal[True]]") -> None:
        clock = asyncio.get_running_loop().time
        due_s = clock() + CHECKPOINT_S
        receiving = asyncio.create_task(self._bus.receive_some(LARGEST_BATCH))
        try:
            while not stopping.done():
                patience_s = STALLED_S if len(self._taken) >= UNACKNOWLEDGED_LIMIT else due_s - clock()
                await asyncio.wait({receiving, stopping}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
                has_stalled = len(self._taken) >= UNACKNOWLEDGED_LIMIT and not receiving.done()
                if receiving.done():
                    for message in receiving.result():
                        await self._take(message)
                    await self._take_due()
                    receiving = asyncio.create_task(self._bus.receive_some(LARGEST_BATCH))
                if clock() >= due_s or has_stalled or len(self._taken) >= LARGEST_BATCH:
                    await self._take_due()
                    await self.checkpoint()
                    due_s = clock() + CHECKPOINT_S
            await self.checkpoint(is_last=True)
        finally:
            receiving.cancel()

    async def watch_silence(self) -> None:
        """Once a sensor was silent, close what is open if its session has ended, and say that there is no data.

        The end of a session is not taken at its word at once: after a restart the news of it arrives before the blocks
        that the broker kept.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SILENCE_S / 6)
            for key, heard_s in tuple(self._heard_s.items()):
                # What waits here was heard: a machine that is behind is no silent sensor.
                is_behind = self._bus.queued_messages or self._early.get(key)
                if clock() - heard_s > SILENCE_S and key not in self._silent and not is_behind:
                    self._silent.add(key)
                    await self._tell(self._last_words(key, time.time_ns() - round((clock() - heard_s) * 1e9)))

    def _last_words(self, key: StreamKey, since_ns: int) -> list[messages.Message]:
        analysis, info = self._analyses[key], self._infos[key.sensor]
        told: list[messages.Message] = []
        if info.ended_ns is not None and info.session == analysis.session:
            told = analysis.finish()
            self._note(LoggedStep(key, "end"))
        return [*told, analysis.silent_state(info.ended_ns or since_ns)]

    async def checkpoint(self, *, is_last: bool = False) -> None:
        """Publish what is batched, keep what was taken, now and then the whole state, then acknowledge."""
        taken, self._taken = self._taken, []
        changed, self._changed = self._changed, set()
        await self._tell_all([self._analyses[key].flush() for key in sorted(changed)])
        await self._keep(is_last=is_last)
        for message in taken:
            message.ack()

    async def _keep(self, *, is_last: bool) -> None:
        clock = asyncio.get_running_loop().time
        steps, self._steps = self._steps, []
        if is_last or clock() >= self._whole_due_s or not self._kept.has_room(steps):
            unsaved, self._unsaved = self._unsaved, set()
            states = {key: self._analyses[key].checkpoint() for key in unsaved}
            await asyncio.to_thread(self._kept.save, states)
            self._whole_due_s = clock() + WHOLE_STATE_S
        elif steps:
            await asyncio.to_thread(self._kept.append, steps)

    def _note(self, step: LoggedStep) -> None:
        """Remember a step until it is kept."""
        self._steps.append(step)
        self._changed.add(step.key)
        self._unsaved.add(step.key)

    async def _take(self, message: Message) -> None:
        try:
            topic = Topic.parse(message.topic)
            if topic.leaf is Leaf.SAMPLES:
                await self._take_block(topic.sensor, message)
            elif topic.leaf is Leaf.INFO:
                await self._take_info(_told_of(topic.sensor, message, messages.SensorInfo), message)
            elif topic.leaf is Leaf.TEMPERATURE:
                self._take_temperature(topic.sensor, _told_of(topic.sensor, message, messages.Temperature))
                self._taken.append(message)
        except FrameError as error:
            report_unreadable(message.topic, error)
            message.ack()

    async def _take_info(self, info: messages.SensorInfo, message: Message) -> None:
        if info != self._infos.get(info.sensor):
            self._infos[info.sensor] = info
            await asyncio.to_thread(self._kept.save_introduction, info.sensor, message.payload)
        waiting = self._waiting.pop(info.sensor, ())
        for held in waiting:
            await self._take(held)
        self._taken.append(message)

    async def _take_block(self, sensor: str, message: Message) -> None:
        if sensor not in self._infos:
            self._wait_for_info(sensor, message)
            return
        block = SampleBlock.decode(message.payload)
        key = StreamKey(sensor, block.boot_id, block.stream)
        if key not in self._analyses:
            await self._take_due()  # what is left of an earlier boot comes first
        analysis = self._analysis(key, block)
        if analysis is None:
            self._taken.append(message)
            return
        if not analysis.fits(block):
            raise FrameError(f"A block of stream {block.stream} has {block.counts.shape[1]} channels.")
        self._calibrate(analysis, sensor)
        self._heard_s[key] = asyncio.get_running_loop().time()
        if key in self._silent:
            self._silent.discard(key)
            await self._tell([analysis.present_state()])
        self._early[key].add(block.first_index, (block, message))

    def _wait_for_info(self, sensor: str, message: Message) -> None:
        waiting = self._waiting[sensor]
        waiting.append(message)
        if len(waiting) > _WAITING_BLOCKS:
            self._taken.append(waiting.popleft())

    async def _take_due(self) -> None:
        """Analyse the blocks whose turn it is, those of many streams together."""
        while due := self._next_due():
            found = analyse_together([(self._analyses[key], block) for key, block in due])
            await self._tell_all(found)

    def _next_due(self) -> list[tuple[StreamKey, SampleBlock]]:
        """Return one block of each stream: shortly after a restart, only those that nothing is missing before."""
        is_patient = self._bus.resumed_s_ago < CATCH_UP_S
        due = []
        for key, early in tuple(self._early.items()):
            item = early.pop_next(self._analyses[key].next_index, is_patient=is_patient)
            if not early:
                del self._early[key]  # so that hundreds of streams with nothing to say are not asked at every turn
            if item is not None:
                self._taken.append(item[1])
                self._note(LoggedStep(key, "block", item[1].payload))
                self._heard_s[key] = asyncio.get_running_loop().time()
                due.append((key, item[0]))
        return due

    def _take_temperature(self, sensor: str, message: messages.Temperature) -> None:
        for key, analysis in self._analyses.items():
            if key.sensor == sensor:
                analysis.push_temperature(message)
                self._note(LoggedStep(key, "temperature", messages.encode(message)))

    def _analysis(self, key: StreamKey, block: SampleBlock) -> LiveAnalysis | None:
        """Return the stream's analysis, restored or new; None where the stream is not EMG."""
        if key in self._analyses:
            return self._analyses[key]
        begun = self._begun(key, block)
        if begun is None:
            return None
        for old in [known for known in self._analyses if known.sensor == key.sensor and known.stream == key.stream]:
            self._forget(old)
        self._analyses[key] = begun
        return begun

    def _begun(self, key: StreamKey, block: SampleBlock) -> LiveAnalysis | None:
        """Return an analysis from the stream's checkpoint or its first block; None where the stream is not EMG."""
        info = self._infos.get(key.sensor)
        stream = None if info is None else next((row for row in info.streams if row.stream == key.stream), None)
        if info is None or stream is None or stream.kind != "emg":
            return None
        analysis = self._restored(key, info, block) or LiveAnalysis(info, block)
        self._calibrate(analysis, key.sensor)
        return analysis

    def _calibrate(self, analysis: LiveAnalysis, sensor: str) -> None:
        if self._calibrations is not None:
            analysis.use_calibrations(self._calibrations.for_sensor(sensor))

    def _restored(self, key: StreamKey, info: messages.SensorInfo, block: SampleBlock) -> LiveAnalysis | None:
        try:
            checkpoint = self._kept.load(key)
            return None if checkpoint is None else LiveAnalysis.from_checkpoint(info, block, checkpoint)
        except (msgspec.MsgspecError, ValueError, zlib.error) as error:
            _log.warning("the kept state of %s cannot be read and is begun anew: %s", key.sensor, error)
            return None

    def _forget(self, key: StreamKey) -> None:
        del self._analyses[key]
        self._taken += [message for _, message in self._early.pop(key, EarlyBlocks()).drain()]
        self._heard_s.pop(key, None)
        self._silent.discard(key)
        self._changed.discard(key)
        self._unsaved.discard(key)

    async def _tell_all(self, told: Iterable[Iterable[messages.Message]]) -> None:
        """Publish what several streams say, side by side: the order matters within one."""
        await asyncio.gather(*(self._tell(of_one) for of_one in told))

    async def _tell(self, told: Iterable[messages.Message]) -> None:
        for message in told:
            await publish_message(self._bus, message, _LEAVES[type(message)])


def _take_again(analysis: LiveAnalysis, step: LoggedStep) -> None:
    if step.what == "block":
        analysis.push(SampleBlock.decode(step.payload))
    elif step.what == "temperature":
        analysis.push_temperature(messages.decode(step.payload, messages.Temperature))
    else:
        analysis.finish()


def _told_of(sensor: str, message: Message, kind: type[messages.AnyMessage]) -> messages.AnyMessage:
    """Decode a message that has to be about the sensor of its topic: who may speak for one may not for another."""
    told = messages.decode(message.payload, kind)
    if told.sensor != sensor:
        raise FrameError(f"It tells of sensor {told.sensor!r}.")
    return told


def _known_infos(kept: CheckpointFile) -> dict[str, messages.SensorInfo]:
    infos: dict[str, messages.SensorInfo] = {}
    for payload in kept.introductions():
        try:
            info = messages.decode(payload, messages.SensorInfo)
        except FrameError as error:
            _log.warning("a kept introduction of a sensor cannot be read: %s", error)
        else:
            infos[info.sensor] = info
    return infos
