"""One stream's live analysis: sample blocks in, messages out (no I/O).

Everything it says follows from the blocks and their order alone, so that saying it again after a restart is harmless.
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
"""A contraction of ten minutes is when advice pages say to seek help at once (docs/detection.md)."""
_BATCH_S: Final = 0.4


class _Open(Struct):
    """What must stay the same through the revisions of an episode.

    Attributes:
        onset_index: Where it began, as last said.
        onset_ns: When that was, as first said: later blocks refine the clock, not the past.
        is_cramp: Whether a notice was given.
        is_long: Whether a notice of its length was given.
    """

    onset_index: int
    onset_ns: int
    is_cramp: bool = False
    is_long: bool = False


class _State(Struct):
    """What a checkpoint holds besides the detector's own state."""

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
    """Return a stream as the detector wants it told."""
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
        info: The sensor, as it introduced itself.
        first: The first block; it is not analysed yet.
    """

    def __init__(self, info: messages.SensorInfo, first: SampleBlock) -> None:
        stream = next(row for row in info.streams if row.stream == first.stream)
        self._info = info
        self._detector = Pipeline(stream_description(stream))
        timeline = Timeline(stream.rate_hz, first.first_index, first.first_utc_ns)
        self._kept = _State(info.session, first.boot_id, first.stream, timeline)
        self._unit: messages.Unit = "relative" if stream.lsb_uv is None else "uV"
        self._features: list[Features] = []
        self._began_ns = first.first_utc_ns

    @classmethod
    def from_checkpoint(cls, info: messages.SensorInfo, first: SampleBlock, checkpoint: bytes) -> "LiveAnalysis":
        """Go on where a checkpoint was made.

        Raises:
            msgspec.DecodeError: Not a checkpoint.
        """
        analysis = cls(info, first)
        kept = msgspec.msgpack.decode(checkpoint, type=_State)
        analysis._kept = kept
        analysis._detector = Pipeline.from_state(kept.detector)
        return analysis

    def checkpoint(self) -> bytes:
        """Return all that is needed to go on; batched features must have been flushed."""
        self._kept.detector = self._detector.to_state()
        return msgspec.msgpack.encode(self._kept)

    def use_calibrations(self, calibrations: Iterable[Calibration]) -> None:
        """Judge with what is known of the wearer; telling the same again is harmless.

        One made in an earlier boot holds from the first block on, if it is told before that; one made in this boot from
        its `valid_from_index` on. What was made of another placement, or after this boot had begun in another one,
        tells nothing here. So a later run over the same blocks knows the same.
        """
        place = self._info.placement
        for one in sorted(calibrations, key=lambda calibration: calibration.made_ns):
            is_ours = one.sensor == self._info.sensor and (one.side, one.muscle) == (place.side, place.muscle)
            if not is_ours or one.stream != self._kept.stream or not one.fits(self._detector.stream):
                continue
            if one.boot_id == self._kept.boot_id:
                self._detector.calibrate(one, later=True)
            elif not self._detector.next_index and one.made_ns <= self._began_ns:
                self._detector.calibrate(one)

    @property
    def session(self) -> str:
        """The recording the newest block belongs to."""
        return self._kept.session

    @property
    def next_index(self) -> int:
        """Sample index expected next; 0 before the first block."""
        return self._detector.next_index

    def fits(self, block: SampleBlock) -> bool:
        """Whether a block has the channels the sensor promised."""
        return int(block.counts.shape[1]) == self._detector.stream.channels

    def push(self, block: SampleBlock) -> list[messages.Message]:
        """Analyse a block; what was already seen of it is skipped.

        Blocks fetched from the sensor's memory after a gap come too late for the live detector and are skipped too: the
        final verdict is made of the complete session.
        """
        return analyse_together([(self, block)])[0]

    def prepare(self, block: SampleBlock) -> tuple[Pipeline, int, NDArray[np.float64]] | None:
        """Return what `push_together` needs of a block that brings news; its events then go to `tell`."""
        if block.next_index <= self._detector.next_index:
            return None
        self._kept.session = str(block.session)
        self._kept.timeline.update(block.first_index, block.first_utc_ns)
        return self._detector, block.first_index, microvolts(block)

    def handle_events(self, events: Iterable[Event]) -> list[messages.Message]:
        """Put into messages what a block brought to light."""
        return [*self._told(events), *self._long_cramps(self._detector.next_index)]

    def push_temperature(self, message: messages.Temperature) -> None:
        """Let the detector know the skin's temperature."""
        celsius = math.nan if message.celsius is None else message.celsius
        self._detector.push_temperature(self._kept.timeline.index_at(message.t_ns), celsius)

    def finish(self) -> list[messages.Message]:
        """Close what is open: the session has ended."""
        return [*self._told(self._detector.finish()), *self.flush()]

    def flush(self) -> list[messages.Message]:
        """Say the features that wait for their batch to fill."""
        batch, self._features = self._features, []
        return [self._features_message(batch)] if batch else []

    def present_state(self) -> messages.SensorState:
        """Say again what the foot does now, as after a silence."""
        return self._state_message(self._kept.state, self._kept.state_ns)

    def silent_state(self, t_ns: int) -> messages.SensorState:
        """Say that there is no data, since `t_ns`."""
        return self._state_message(SignalState.NO_DATA, t_ns)

    def _told(self, events: Iterable[Event]) -> list[messages.Message]:
        told: list[messages.Message] = []
        for event in events:
            match event:
                case Features():
                    told += self._batched(event)
                case Episode():
                    told += self._episode(event)
                case StateChange():
                    self._kept.state = event.state
                    self._kept.state_ns = self._kept.timeline.utc_of(event.index)
                    told.append(self.present_state())
        return told

    def _batched(self, features: Features) -> list[messages.Message]:
        self._kept.quality = tuple(
            tuple(sorted(quality_set(int(bits)))) for bits in np.atleast_2d(features.quality)[-1]
        )
        follows = not self._features or _next_index(self._features[-1]) == features.first_index
        told = [] if follows else self.flush()
        self._features.append(features)
        steps = sum(len(part.rms) for part in self._features)
        if steps * features.step_samples >= _BATCH_S * self._kept.timeline.rate_hz:
            told += self.flush()
        return told

    def _features_message(self, batch: list[Features]) -> messages.Features:
        first = batch[0]
        columns = {
            name: np.concatenate([getattr(part, name) for part in batch])
            for name in ("rms", "envelope", "floor", "threshold", "median_hz")
        }
        quality = np.bitwise_or.reduce(np.concatenate([part.quality for part in batch]), axis=0)
        return messages.Features(
            sensor=self._info.sensor,
            t_ns=self._kept.timeline.utc_of(first.first_index),
            origin=self._info.origin,
            session=self._kept.session,
            boot_id=self._kept.boot_id,
            first_index=first.first_index,
            step_samples=first.step_samples,
            step_s=first.step_samples / self._kept.timeline.rate_hz,
            unit=self._unit,
            channels=tuple(
                messages.ChannelFeatures(
                    **{name: _points(values[:, channel]) for name, values in columns.items()},
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
            session=self._kept.session,
            quality=self._kept.quality,
        )

    def _episode(self, change: Episode) -> list[messages.Message]:
        kept = self._kept
        onset_ns = kept.timeline.utc_of(change.onset_index)
        episode = kept.episodes.setdefault(change.episode_id, _Open(change.onset_index, onset_ns))
        if episode.onset_index != change.onset_index:
            episode.onset_index, episode.onset_ns = change.onset_index, onset_ns
        told: list[messages.Message] = [self._episode_message(change, episode)]
        if change.kind is EpisodeKind.CRAMP and change.status is not EpisodeStatus.RETRACTED and not episode.is_cramp:
            episode.is_cramp = True
            told.append(self._notice(change.episode_id, "cramp", kept.timeline.utc_of(change.detected_index)))
        if change.status in (EpisodeStatus.CLOSED, EpisodeStatus.RETRACTED):
            del kept.episodes[change.episode_id]
        return told

    def _episode_message(self, change: Episode, episode: _Open) -> messages.Episode:
        kept, timeline = self._kept, self._kept.timeline
        ended = change.offset_index is not None
        length_samples = 0 if change.offset_index is None else change.offset_index - change.onset_index
        return messages.Episode(
            sensor=self._info.sensor,
            t_ns=timeline.utc_of(change.detected_index),
            origin=self._info.origin,
            id=self._id(change.episode_id),
            revision=change.revision,
            status=change.status.value,
            kind=change.kind,
            session=kept.session,
            boot_id=kept.boot_id,
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

    def _long_cramps(self, now_index: int) -> list[messages.Message]:
        limit = LONG_CRAMP_S * self._kept.timeline.rate_hz
        told: list[messages.Message] = []
        for key, episode in self._kept.episodes.items():
            if episode.is_cramp and not episode.is_long and now_index - episode.onset_index > limit:
                episode.is_long = True
                told.append(self._notice(key, "long_cramp", self._kept.timeline.utc_of(now_index)))
        return told

    def _notice(self, key: str, code: messages.NoticeCode, t_ns: int) -> messages.Notice:
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
            id=f"{self._id(key)}-{code}",
            severity="alarm",
            code=code,
            text=texts[code],
            episode=self._id(key),
        )

    def _id(self, key: str) -> str:
        return f"{self._info.sensor}-{self._kept.boot_id:08x}-{key}"


def analyse_together(work: Sequence[tuple[LiveAnalysis, SampleBlock]]) -> list[list[messages.Message]]:
    """Analyse one block each of many streams, as `LiveAnalysis.take` does, with a fraction of the effort.

    Args:
        work: Analyses, each at most once, with the block that follows.
    """
    prepared = [analysis.prepare(block) for analysis, block in work]
    found = iter(push_together([item for item in prepared if item is not None]))
    return [
        [] if item is None else analysis.handle_events(next(found))
        for (analysis, _), item in zip(work, prepared, strict=True)
    ]


def microvolts(block: SampleBlock) -> NDArray[np.float64]:
    """Return the samples of a block in uV, in counts where the scale is unknown; (n, channels)."""
    known = math.isfinite(block.lsb) and block.lsb > 0
    return block.counts.astype(np.float64) * (block.lsb * 1e6 if known else 1.0)


def _points(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if not math.isfinite(value) else float(f"{value:.4g}") for value in values)


def _next_index(features: Features) -> int:
    return features.first_index + len(features.rms) * features.step_samples


def _side(info: messages.SensorInfo) -> str:
    return "" if info.placement.side == "unknown" else info.placement.side
