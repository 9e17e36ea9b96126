"""Live analysis of one stream: sample blocks in, messages out. Pure.

Every message follows from the blocks and their order alone: no clock is read and no id is random. So a restarted
detector that analyses blocks again publishes the same messages to the byte, and consumers can ignore the repetition.

It joins the detector's core, which counts in samples, with the protocol, which counts in UTC: blocks bring the time of
their first sample, and between two blocks time runs at the nominal rate. The time of an onset is fixed when it is first
published: later blocks refine the clock, and must not move the past.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import (
    Event,
    Features,
    SignalState,
    StateChange,
    quality_set,
)
from crampwatch.detector.pipeline.pipeline import Pipeline, push_together
from crampwatch.detector.service.timeline import Timeline
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.kinds import EpisodeKind, Quality
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from msgspec import Struct, field
from numpy.typing import NDArray

__all__ = ["LiveAnalysis", "analyse_together", "microvolts", "stream_description"]

LONG_CRAMP_S: Final = 600.0
"""Medical advice is to seek help for a contraction that lasts ten minutes (docs/detection.md)."""
_BATCH_S: Final = 0.4
"""Features per message: fewer messages, and a page that still follows without visible delay."""


class _Open(Struct):
    """What later revisions of an open episode need to know. Field names are part of the checkpoint's layout.

    Attributes:
        onset_index: Its first sample, as last published.
        onset_ns: The time of that sample, as first published.
        is_cramp: Whether a notice of a cramp was published.
        is_long: Whether a notice of its length was published.
    """

    onset_index: int
    onset_ns: int
    is_cramp: bool = False
    is_long: bool = False


class _State(Struct):
    """A checkpoint: the detector's state and what this module needs. Field names are part of its layout."""

    session: str
    boot_id: int
    stream: int
    timeline: Timeline
    detector: bytes = b""
    state: SignalState = SignalState.NO_DATA
    state_ns: int = 0
    quality: tuple[tuple[Quality, ...], ...] = ()
    episodes: dict[str, _Open] = field(default_factory=dict)


def stream_description(info: messages.StreamInfo) -> StreamDescription:
    """Convert the description of a stream from a message to the one that the detector uses."""
    return StreamDescription(
        info.stream,
        StreamKind[info.kind.upper()],
        info.channels,
        SampleFormat.INT16,
        info.rate_hz,
        math.nan if info.lsb_uv is None else info.lsb_uv * 1e-6,
        0.0,
        info.band_hz,
        info.labels,
    )


class LiveAnalysis:
    """Analyses one EMG stream of one boot of a sensor.

    Args:
        info: Info of the sensor.
        first: Its first block, which sets the start of the time line; it still has to be pushed.
    """

    def __init__(self, info: messages.SensorInfo, first: SampleBlock) -> None:
        stream = next(row for row in info.streams if row.stream == first.stream)
        self._info = info
        self._detector = Pipeline(stream_description(stream))
        timeline = Timeline(stream.rate_hz, first.first_index, first.first_utc_ns)
        self._state = _State(info.session, first.boot_id, first.stream, timeline)
        self._unit: messages.Unit = "relative" if stream.lsb_uv is None else "uV"
        self._features: list[Features] = []
        self._start_ns = first.first_utc_ns

    @classmethod
    def from_checkpoint(cls, info: messages.SensorInfo, first: SampleBlock, checkpoint: bytes) -> "LiveAnalysis":
        """Continue from a checkpoint.

        Raises:
            msgspec.DecodeError: Not a checkpoint.
        """
        analysis = cls(info, first)
        state = msgspec.msgpack.decode(checkpoint, type=_State)
        analysis._state = state
        analysis._detector = Pipeline.from_state(state.detector)
        return analysis

    def checkpoint(self) -> bytes:
        """Return the state to continue from; batched features must have been flushed before."""
        self._state.detector = self._detector.to_state()
        return msgspec.msgpack.encode(self._state)

    def use_calibrations(self, calibrations: Iterable[Calibration]) -> None:
        """Use the wearer's personal calibrations; passing the same ones again is harmless.

        A calibration from an earlier boot applies from the first block on, if it was made before this boot; one from
        this boot applies from its `valid_from_index` on. One for another placement is ignored. These rules depend on
        the calibrations alone, so a later run over the same blocks uses the same ones.
        """
        place = self._info.placement
        for one in sorted(calibrations, key=lambda calibration: calibration.made_ns):
            is_ours = one.sensor == self._info.sensor and (one.side, one.muscle) == (place.side, place.muscle)
            if not is_ours or one.stream != self._state.stream or not one.fits(self._detector.stream):
                continue
            if one.boot_id == self._state.boot_id:
                self._detector.calibrate(one, later=True)
            elif not self._detector.next_index and one.made_ns <= self._start_ns:
                self._detector.calibrate(one)

    @property
    def session(self) -> str:
        """UUID of the recording that the newest block belongs to."""
        return self._state.session

    @property
    def next_index(self) -> int:
        """Index of the next sample; 0 before the first block."""
        return self._detector.next_index

    def fits(self, block: SampleBlock) -> bool:
        """Whether a block has as many channels as the sensor's info states."""
        return int(block.counts.shape[1]) == self._detector.stream.channels

    def push(self, block: SampleBlock) -> list[messages.Message]:
        """Analyse a block; samples that have been analysed already are skipped.

        Backfilled blocks come too late for the live detector and are skipped as well: the final analysis uses the
        complete session.
        """
        return analyse_together([(self, block)])[0]

    def prepare(self, block: SampleBlock) -> tuple[Pipeline, int, NDArray[np.float64]] | None:
        """Return the arguments of `push_together` for a block; None if it has no new samples.

        The resulting events then go to `handle_events`.
        """
        if block.next_index <= self._detector.next_index:
            return None
        self._state.session = str(block.session)
        self._state.timeline.update(block.first_index, block.first_utc_ns)
        return self._detector, block.first_index, microvolts(block)

    def handle_events(self, events: Iterable[Event]) -> list[messages.Message]:
        """Convert the events of a block to messages."""
        return [*self._messages_of(events), *self._long_cramp_notices(self._detector.next_index)]

    def push_temperature(self, message: messages.Temperature) -> None:
        """Pass the skin's temperature to the detector."""
        celsius = math.nan if message.celsius is None else message.celsius
        self._detector.push_temperature(self._state.timeline.index_at(message.t_ns), celsius)

    def finish(self) -> list[messages.Message]:
        """Close open episodes at the end of the session."""
        return [*self._messages_of(self._detector.finish()), *self.flush()]

    def flush(self) -> list[messages.Message]:
        """Return the features that wait for their batch to fill."""
        batch, self._features = self._features, []
        return [self._features_message(batch)] if batch else []

    def present_state(self) -> messages.SensorState:
        """Return the current state again, as after a silence."""
        return self._state_message(self._state.state, self._state.state_ns)

    def silent_state(self, t_ns: int) -> messages.SensorState:
        """Return the state of no data since `t_ns`."""
        return self._state_message(SignalState.NO_DATA, t_ns)

    def _messages_of(self, events: Iterable[Event]) -> list[messages.Message]:
        found: list[messages.Message] = []
        for event in events:
            match event:
                case Features():
                    found += self._add_features(event)
                case Episode():
                    found += self._episode_messages(event)
                case StateChange():
                    self._state.state = event.state
                    self._state.state_ns = self._state.timeline.utc_of(event.index)
                    found.append(self.present_state())
        return found

    def _add_features(self, features: Features) -> list[messages.Message]:
        self._state.quality = tuple(
            tuple(sorted(quality_set(int(bits)))) for bits in np.atleast_2d(features.quality)[-1]
        )
        follows = not self._features or _next_index(self._features[-1]) == features.first_index
        found = [] if follows else self.flush()
        self._features.append(features)
        steps = sum(len(part.rms) for part in self._features)
        if steps * features.step_samples >= _BATCH_S * self._state.timeline.rate_hz:
            found += self.flush()
        return found

    def _features_message(self, batch: list[Features]) -> messages.Features:
        first = batch[0]
        columns = {
            name: np.concatenate([getattr(part, name) for part in batch])
            for name in ("rms", "envelope", "floor", "threshold", "median_hz")
        }
        quality = np.bitwise_or.reduce(np.concatenate([part.quality for part in batch]), axis=0)
        return messages.Features(
            sensor=self._info.sensor,
            t_ns=self._state.timeline.utc_of(first.first_index),
            origin=self._info.origin,
            session=self._state.session,
            boot_id=self._state.boot_id,
            first_index=first.first_index,
            step_samples=first.step_samples,
            step_s=first.step_samples / self._state.timeline.rate_hz,
            unit=self._unit,
            channels=tuple(
                messages.ChannelFeatures(
                    **{name: _to_points(values[:, channel]) for name, values in columns.items()},
                    quality=tuple(sorted(quality_set(int(quality[channel])))),
                )
                for channel in range(first.rms.shape[1])
            ),
        )

    def _state_message(self, state: SignalState, t_ns: int) -> messages.SensorState:
        return messages.SensorState(
            sensor=self._info.sensor,
            t_ns=t_ns,
            origin=self._info.origin,
            state=state.value,
            session=self._state.session,
            quality=self._state.quality,
        )

    def _episode_messages(self, change: Episode) -> list[messages.Message]:
        state = self._state
        onset_ns = state.timeline.utc_of(change.onset_index)
        episode = state.episodes.setdefault(change.episode_id, _Open(change.onset_index, onset_ns))
        if episode.onset_index != change.onset_index:
            episode.onset_index, episode.onset_ns = change.onset_index, onset_ns
        found: list[messages.Message] = [self._episode_message(change, episode)]
        if change.kind is EpisodeKind.CRAMP and change.status is not EpisodeStatus.RETRACTED and not episode.is_cramp:
            episode.is_cramp = True
            found.append(self._notice_message(change.episode_id, "cramp", state.timeline.utc_of(change.detected_index)))
        if change.status in (EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED):
            del state.episodes[change.episode_id]
        return found

    def _episode_message(self, change: Episode, episode: _Open) -> messages.Episode:
        state, timeline = self._state, self._state.timeline
        ended = change.offset_index is not None
        length_samples = 0 if change.offset_index is None else change.offset_index - change.onset_index
        return messages.Episode(
            sensor=self._info.sensor,
            t_ns=timeline.utc_of(change.detected_index),
            origin=self._info.origin,
            id=self._episode_id(change.episode_id),
            revision=change.revision,
            status=change.status.value,
            kind=change.kind,
            session=state.session,
            boot_id=state.boot_id,
            onset_ns=episode.onset_ns,
            offset_ns=episode.onset_ns + round(length_samples / timeline.rate_hz * 1e9) if ended else None,
            onset_index=change.onset_index,
            offset_index=change.offset_index,
            detected_index=change.detected_index,
            rate_hz=timeline.rate_hz,
            channels=change.channels,
            confidence=round(change.confidence, 3),
            peak=float(f"{change.peak:.4g}"),
            unit=self._unit,
            reasons=change.reasons,
            why=change.why,
            calibration=change.calibration,
        )

    def _long_cramp_notices(self, now_index: int) -> list[messages.Message]:
        limit = LONG_CRAMP_S * self._state.timeline.rate_hz
        found: list[messages.Message] = []
        for key, episode in self._state.episodes.items():
            if episode.is_cramp and not episode.is_long and now_index - episode.onset_index > limit:
                episode.is_long = True
                found.append(self._notice_message(key, "long_cramp", self._state.timeline.utc_of(now_index)))
        return found

    def _notice_message(self, key: str, code: messages.NoticeCode, t_ns: int) -> messages.Notice:
        place = " ".join(part for part in (_side(self._info), self._info.placement.muscle) if part)
        where = f" ({place})" if place else ""
        texts = {
            "cramp": f"Likely cramp{where}: a sustained contraction, likely involuntary.",
            "long_cramp": f"The contraction{where} has lasted 10 minutes. If it does not ease, seek medical advice.",
        }
        return messages.Notice(
            sensor=self._info.sensor,
            t_ns=t_ns,
            origin=self._info.origin,
            id=f"{self._episode_id(key)}-{code}",
            severity="alarm",
            code=code,
            text=texts[code],
            episode=self._episode_id(key),
        )

    def _episode_id(self, key: str) -> str:
        return f"{self._info.sensor}-{self._state.boot_id:08x}-{key}"


def analyse_together(work: Sequence[tuple[LiveAnalysis, SampleBlock]]) -> list[list[messages.Message]]:
    """Analyse one block each of several streams, like `LiveAnalysis.push` but in a fraction of the time.

    Args:
        work: Analyses, each at most once, with their next block.

    Returns:
        The messages of each, in the same order.
    """
    prepared = [analysis.prepare(block) for analysis, block in work]
    found = iter(push_together([item for item in prepared if item is not None]))
    return [
        [] if item is None else analysis.handle_events(next(found))
        for (analysis, _), item in zip(work, prepared, strict=True)
    ]


def microvolts(block: SampleBlock) -> NDArray[np.float64]:
    """Return the samples of a block in uV, or in counts if the scale is unknown; shape (samples, channels)."""
    has_scale = math.isfinite(block.lsb) and block.lsb > 0
    return block.counts.astype(np.float64) * (block.lsb * 1e6 if has_scale else 1.0)


def _to_points(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if not math.isfinite(value) else float(f"{value:.4g}") for value in values)


def _next_index(features: Features) -> int:
    return features.first_index + len(features.rms) * features.step_samples


def _side(info: messages.SensorInfo) -> str:
    return "" if info.placement.side == "unknown" else info.placement.side
