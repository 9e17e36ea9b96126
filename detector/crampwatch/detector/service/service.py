"""The detector as a service: sample blocks from MQTT in; features, states, episodes and notices out.

It may be killed at any moment without losing a sample or changing a result. Three steps, always in this order, see to
that:

1. *Publish* the results of a block, and wait until the broker has them.
2. *Save*: append the block to a small log (:mod:`.write_ahead_log`), about once a second. The complete state of a
   stream, thirty times as large, is saved every two minutes and when the service ends (:mod:`.checkpoint_file`).
3. *Acknowledge* the block, so that the broker forgets it.

After a kill the state is loaded, the blocks of the log are analysed again, and the broker sends what was not
acknowledged. Some results are then published twice; they are identical, because every result follows from the blocks
and their order alone (:mod:`.stream_analysis`), so consumers ignore the second.

Blocks may arrive out of order after a restart and before the sensor's info: they wait (:mod:`.reorder`).
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
"""How often blocks are saved and acknowledged; each time costs a disk sync."""
FULL_STATE_S: Final = 120.0
"""How often the complete state is saved. Until then the log of blocks is enough, with a thirtieth of the bytes written;
after a kill two minutes of blocks are analysed again within seconds."""
UNACKNOWLEDGED_LIMIT: Final = 16
"""Brokers stop sending when too many messages are unacknowledged, and do not say so: Mosquitto at 20, NATS at 1,000. So
if nothing arrives for `STALLED_S` after this many, they are saved and acknowledged at once."""
STALLED_S: Final = 0.02
LARGEST_BATCH: Final = 600
"""Messages handled before the next save, however fast they come: a second of 300 sensors."""
SILENCE_S: Final = 3.0
"""A sensor sends a block several times a second; after this long a page that shows its last state would mislead."""
FAREWELL_S: Final = 1.0
"""For finishing the message in hand and saving the state. The supervisor kills a stage that takes longer than 1.5 s."""
CATCH_UP_S: Final = ACK_WAIT_S + 12.0
"""How long after a restart or reconnection older blocks may arrive after newer ones: NATS sends unacknowledged ones
again after its wait, and a machine that is behind takes a few seconds more."""
_MAX_HELD_BLOCKS: Final = 12
"""Blocks held back while a sensor's info is missing. More would fill Mosquitto's window of 20, and the info could never
arrive."""
_log: Final = logging.getLogger(__name__)
_LEAVES: Final = {
    messages.Features: Leaf.FEATURES,
    messages.SensorState: Leaf.STATE,
    messages.Episode: Leaf.EPISODE,
    messages.Notice: Leaf.NOTICE,
}


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """Options of the detector service.

    Attributes:
        broker: The broker that blocks come from and results go to.
        state_dir: Folder of the checkpoints.
        client_id: MQTT client id; it must not change, so that the broker stores messages while the detector is away.
        calibrations: Folder of personal calibrations; None to use none.
    """

    broker: BrokerAddress
    state_dir: Path
    client_id: str = "crampwatch-detector"
    calibrations: Path | None = None


async def run(options: DetectorOptions, *, stop: asyncio.Event) -> None:
    """Detect until `stop` is set.

    Raises:
        UnavailableError: The broker refuses the login, or the state cannot be written.
    """
    shell = ServiceShell(
        "detector",
        options.broker,
        client_id=options.client_id,
        subscriptions={leaf_filter(leaf): leaf.qos for leaf in (Leaf.INFO, Leaf.TEMPERATURE, Leaf.SAMPLES)},
        persistent=True,
    )
    async with shell:
        with closing(CheckpointFile(options.state_dir)) as checkpoints:
            service = _Service(shell.bus, checkpoints, options.calibrations)
            if await asyncio.to_thread(service.restore, stop):
                await run_until_first_ends(service.consume(stop), service.watch_silence())


class _Service:
    """Routes messages to the analyses of their streams, and keeps the order: publish, save, acknowledge."""

    def __init__(self, bus: Bus, checkpoints: CheckpointFile, calibrations: Path | None) -> None:
        self._bus = bus
        self._checkpoints = checkpoints
        self._calibrations = None if calibrations is None else CalibrationFolder(calibrations)
        self._infos = _load_infos(checkpoints)
        self._analyses: dict[StreamKey, LiveAnalysis] = {}
        self._changed: set[StreamKey] = set()
        self._unsaved: set[StreamKey] = set()
        self._steps: list[LoggedStep] = []
        self._full_state_due_s = asyncio.get_running_loop().time() + FULL_STATE_S
        self._unacknowledged: list[Message] = []
        self._waiting: defaultdict[str, deque[Message]] = defaultdict(deque)
        self._early: defaultdict[StreamKey, EarlyBlocks[tuple[SampleBlock, Message]]] = defaultdict(EarlyBlocks)
        self._last_block_s: dict[StreamKey, float] = {}
        self._silent: set[StreamKey] = set()

    def restore(self, stop: asyncio.Event) -> bool:
        """Analyse again the logged steps since the checkpoints; their results have been published before.

        Returns:
            Whether it was completed. If `stop` was set meanwhile, the state is incomplete and must not be saved.
        """
        for key, steps in self._checkpoints.steps_since_checkpoint().items():
            first = next((SampleBlock.decode(step.payload) for step in steps if step.what == "block"), None)
            analysis = None if first is None else self._start_analysis(key, first)
            if analysis is None:
                continue
            for step in steps:
                if stop.is_set():
                    return False
                _replay_step(analysis, step)
            analysis.flush()
            self._analyses[key] = analysis
            self._unsaved.add(key)
        return True

    async def consume(self, stop: asyncio.Event) -> None:
        """Handle messages until `stop` is set; save about once a second, and the complete state at the end.

        A message in hand is finished first, because its results and its part of the state belong together. If that
        takes too long, for instance because the broker is away, nothing is saved and the broker sends it again.
        """
        stopping = asyncio.create_task(stop.wait())
        working = asyncio.create_task(self._consume_until(stopping))
        try:
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({working}, timeout=FAREWELL_S)
            if working.done():
                working.result()
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.gather(stopping, working, return_exceptions=True)

    async def _consume_until(self, stopping: "asyncio.Task[Literal[True]]") -> None:
        clock = asyncio.get_running_loop().time
        due_s = clock() + CHECKPOINT_S
        receiving = asyncio.create_task(self._bus.receive_some(LARGEST_BATCH))
        try:
            while not stopping.done():
                patience_s = STALLED_S if len(self._unacknowledged) >= UNACKNOWLEDGED_LIMIT else due_s - clock()
                await asyncio.wait({receiving, stopping}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
                has_stalled = len(self._unacknowledged) >= UNACKNOWLEDGED_LIMIT and not receiving.done()
                if receiving.done():
                    for message in receiving.result():
                        await self._handle(message)
                    await self._analyse_due()
                    receiving = asyncio.create_task(self._bus.receive_some(LARGEST_BATCH))
                if clock() >= due_s or has_stalled or len(self._unacknowledged) >= LARGEST_BATCH:
                    await self._analyse_due()
                    await self.checkpoint()
                    due_s = clock() + CHECKPOINT_S
            await self.checkpoint(is_last=True)
        finally:
            receiving.cancel()

    async def watch_silence(self) -> None:
        """Publish "no data" for each sensor that is silent, and close its episodes if its session has ended.

        The end of a session alone does not close them: after a restart the message about it arrives before the blocks
        that the broker has stored.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SILENCE_S / 6)
            for key, last_s in tuple(self._last_block_s.items()):
                # If blocks wait here, this machine is behind, and the sensor is not silent.
                is_behind = self._bus.queued_messages or self._early.get(key)
                if clock() - last_s > SILENCE_S and key not in self._silent and not is_behind:
                    self._silent.add(key)
                    await self._publish(self._silence_messages(key, time.time_ns() - round((clock() - last_s) * 1e9)))

    def _silence_messages(self, key: StreamKey, since_ns: int) -> list[messages.Message]:
        analysis, info = self._analyses[key], self._infos[key.sensor]
        results: list[messages.Message] = []
        if info.ended_ns is not None and info.session == analysis.session:
            results = analysis.finish()
            self._log_step(LoggedStep(key, "end"))
        return [*results, analysis.silent_state(info.ended_ns or since_ns)]

    async def checkpoint(self, *, is_last: bool = False) -> None:
        """Publish what is batched, save steps or the complete state, then acknowledge."""
        handled, self._unacknowledged = self._unacknowledged, []
        changed, self._changed = self._changed, set()
        await self._publish_all([self._analyses[key].flush() for key in sorted(changed)])
        await self._save(is_last=is_last)
        for message in handled:
            message.ack()

    async def _save(self, *, is_last: bool) -> None:
        clock = asyncio.get_running_loop().time
        steps, self._steps = self._steps, []
        if is_last or clock() >= self._full_state_due_s or not self._checkpoints.has_room(steps):
            unsaved, self._unsaved = self._unsaved, set()
            states = {key: self._analyses[key].checkpoint() for key in unsaved}
            await asyncio.to_thread(self._checkpoints.save, states)
            self._full_state_due_s = clock() + FULL_STATE_S
        elif steps:
            await asyncio.to_thread(self._checkpoints.append, steps)

    def _log_step(self, step: LoggedStep) -> None:
        """Note a step to be saved."""
        self._steps.append(step)
        self._changed.add(step.key)
        self._unsaved.add(step.key)

    async def _handle(self, message: Message) -> None:
        try:
            topic = Topic.parse(message.topic)
            if topic.leaf is Leaf.SAMPLES:
                await self._handle_block(topic.sensor, message)
            elif topic.leaf is Leaf.INFO:
                await self._handle_info(_decode_of_sensor(topic.sensor, message, messages.SensorInfo), message)
            elif topic.leaf is Leaf.TEMPERATURE:
                self._handle_temperature(topic.sensor, _decode_of_sensor(topic.sensor, message, messages.Temperature))
                self._unacknowledged.append(message)
        except FrameError as error:
            report_unreadable(message.topic, error)
            message.ack()

    async def _handle_info(self, info: messages.SensorInfo, message: Message) -> None:
        if info != self._infos.get(info.sensor):
            self._infos[info.sensor] = info
            await asyncio.to_thread(self._checkpoints.save_introduction, info.sensor, message.payload)
        waiting = self._waiting.pop(info.sensor, ())
        for held in waiting:
            await self._handle(held)
        self._unacknowledged.append(message)

    async def _handle_block(self, sensor: str, message: Message) -> None:
        if sensor not in self._infos:
            self._hold_until_info(sensor, message)
            return
        block = SampleBlock.decode(message.payload)
        key = StreamKey(sensor, block.boot_id, block.stream)
        if key not in self._analyses:
            await self._analyse_due()  # blocks of an earlier boot come first
        analysis = self._analysis_of(key, block)
        if analysis is None:
            self._unacknowledged.append(message)
            return
        if not analysis.fits(block):
            raise FrameError(
                f"A block of stream {block.stream} has {block.counts.shape[1]} channels, unlike the sensor's info."
            )
        self._calibrate(analysis, sensor)
        self._last_block_s[key] = asyncio.get_running_loop().time()
        if key in self._silent:
            self._silent.discard(key)
            await self._publish([analysis.present_state()])
        self._early[key].add(block.first_index, (block, message))

    def _hold_until_info(self, sensor: str, message: Message) -> None:
        waiting = self._waiting[sensor]
        waiting.append(message)
        if len(waiting) > _MAX_HELD_BLOCKS:
            self._unacknowledged.append(waiting.popleft())

    async def _analyse_due(self) -> None:
        """Analyse the blocks that are due, those of different streams together, which takes a fraction of the time."""
        while due := self._pop_due():
            found = analyse_together([(self._analyses[key], block) for key, block in due])
            await self._publish_all(found)

    def _pop_due(self) -> list[tuple[StreamKey, SampleBlock]]:
        """Return the next block of each stream; shortly after a restart only if none before it is missing."""
        is_patient = self._bus.resumed_s_ago < CATCH_UP_S
        due = []
        for key, early in tuple(self._early.items()):
            item = early.pop_next(self._analyses[key].next_index, is_patient=is_patient)
            if not early:
                del self._early[key]  # with hundreds of streams, looking at idle ones each time would be slow
            if item is not None:
                self._unacknowledged.append(item[1])
                self._log_step(LoggedStep(key, "block", item[1].payload))
                self._last_block_s[key] = asyncio.get_running_loop().time()
                due.append((key, item[0]))
        return due

    def _handle_temperature(self, sensor: str, message: messages.Temperature) -> None:
        for key, analysis in self._analyses.items():
            if key.sensor == sensor:
                analysis.push_temperature(message)
                self._log_step(LoggedStep(key, "temperature", messages.encode(message)))

    def _analysis_of(self, key: StreamKey, block: SampleBlock) -> LiveAnalysis | None:
        """Return the analysis of a stream, restored or new; None if it is no EMG stream."""
        if key in self._analyses:
            return self._analyses[key]
        started = self._start_analysis(key, block)
        if started is None:
            return None
        for old in [known for known in self._analyses if known.sensor == key.sensor and known.stream == key.stream]:
            self._drop_analysis(old)
        self._analyses[key] = started
        return started

    def _start_analysis(self, key: StreamKey, block: SampleBlock) -> LiveAnalysis | None:
        """Create an analysis from the stream's checkpoint, or from its first block; None if it is no EMG stream."""
        info = self._infos.get(key.sensor)
        stream = None if info is None else next((row for row in info.streams if row.stream == key.stream), None)
        if info is None or stream is None or stream.kind != "emg":
            return None
        analysis = self._load_analysis(key, info, block) or LiveAnalysis(info, block)
        self._calibrate(analysis, key.sensor)
        return analysis

    def _calibrate(self, analysis: LiveAnalysis, sensor: str) -> None:
        if self._calibrations is not None:
            analysis.use_calibrations(self._calibrations.for_sensor(sensor))

    def _load_analysis(self, key: StreamKey, info: messages.SensorInfo, block: SampleBlock) -> LiveAnalysis | None:
        try:
            checkpoint = self._checkpoints.load(key)
            return None if checkpoint is None else LiveAnalysis.from_checkpoint(info, block, checkpoint)
        except (msgspec.MsgspecError, ValueError, zlib.error) as error:
            _log.warning("the saved state of %s cannot be read, its analysis starts again: %s", key.sensor, error)
            return None

    def _drop_analysis(self, key: StreamKey) -> None:
        del self._analyses[key]
        self._unacknowledged += [message for _, message in self._early.pop(key, EarlyBlocks()).drain()]
        self._last_block_s.pop(key, None)
        self._silent.discard(key)
        self._changed.discard(key)
        self._unsaved.discard(key)

    async def _publish_all(self, by_stream: Iterable[Iterable[messages.Message]]) -> None:
        """Publish the messages of several streams concurrently; the order matters only within each."""
        await asyncio.gather(*(self._publish(of_one) for of_one in by_stream))

    async def _publish(self, results: Iterable[messages.Message]) -> None:
        for message in results:
            await publish_message(self._bus, message, _LEAVES[type(message)])


def _replay_step(analysis: LiveAnalysis, step: LoggedStep) -> None:
    if step.what == "block":
        analysis.push(SampleBlock.decode(step.payload))
    elif step.what == "temperature":
        analysis.push_temperature(messages.decode(step.payload, messages.Temperature))
    else:
        analysis.finish()


def _decode_of_sensor(sensor: str, message: Message, kind: type[messages.AnyMessage]) -> messages.AnyMessage:
    """Decode a message and check that it is about the sensor of its topic, for which its sender has rights."""
    decoded = messages.decode(message.payload, kind)
    if decoded.sensor != sensor:
        raise FrameError(f"The message is about sensor {decoded.sensor!r}, but came on the topic of {sensor!r}.")
    return decoded


def _load_infos(checkpoints: CheckpointFile) -> dict[str, messages.SensorInfo]:
    infos: dict[str, messages.SensorInfo] = {}
    for payload in checkpoints.introductions():
        try:
            info = messages.decode(payload, messages.SensorInfo)
        except FrameError as error:
            _log.warning("the saved info of a sensor cannot be read: %s", error)
        else:
            infos[info.sensor] = info
    return infos
