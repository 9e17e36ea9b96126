"""The streaming front door: blocks of samples in, revisions of episodes out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Final

import msgspec
import numpy as np
from crampwatch.detector.api.unit import InputUnit, ScaleCheck, describe_array, uv_factor
from crampwatch.detector.model.episode import Episode, kind_name
from crampwatch.detector.model.events import Event, SignalState, StateChange
from crampwatch.detector.pipeline.batch import BLOCK_S, EpisodeCollector
from crampwatch.detector.pipeline.checkpoint import StateError
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.samples import as_matrix, checked_channels, checked_labels, checked_rate, without_absurd
from numpy.typing import ArrayLike, NDArray

__all__ = ["Detector"]

_CHECKPOINT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A detector as bytes: the pipeline's own state, and what this class knows beside it."""

    version: int
    unit: InputUnit
    next_index: int
    is_finished: bool
    state: SignalState | None
    episodes: list[Episode]
    pipeline: bytes


class Detector:
    """Finds episodes in a stream of EMG while it is recorded.

    Blocks may have any length: however a stream is cut, the episodes are the same.

    >>> detector = Detector(rate_hz=1000, channels=2)
    >>> for episode in detector.push(np.zeros((500, 2))):
    ...     print(episode)
    >>> detector
    <Detector 2 channels at 1000 Hz: 0.5 s analysed, no episodes>

    Args:
        rate_hz: Samples per second and channel, 10 to 100,000.
        channels: Columns of a block, 1 to 64. Electrodes on one foot belong together: that several muscles are active
            at once speaks for a movement.
        unit: Of the samples: `uV`, `mV`, `V`; or `relative` where their scale is unknown, so that only their size
            relative to rest counts.
        labels: One per channel, for printing; empty for numbers.

    Raises:
        TypeError: A parameter is no number, or no text.
        ValueError: A parameter is out of its range.
    """

    def __init__(
        self, *, rate_hz: float, channels: int = 1, unit: InputUnit = "uV", labels: Sequence[str] = ()
    ) -> None:
        count = checked_channels(channels)
        self._factor = uv_factor(unit)
        self._unit = unit
        stream = describe_array(
            rate_hz=checked_rate(rate_hz), channels=count, unit=unit, labels=checked_labels(labels, count)
        )
        self._pipeline = Pipeline(stream)
        self._collector = EpisodeCollector()
        self._scale = ScaleCheck(stream.rate_hz, unit)
        self._state: SignalState | None = None
        self._next_index = 0
        self._is_finished = False

    def push(self, block: ArrayLike) -> list[Episode]:
        """Analyse the next samples.

        Args:
            block: (n, channels), or (n,) for a single channel; any n, any numeric type. NaN and infinite values are
                missing samples.

        Returns:
            Revisions of episodes that these samples led to, in order; a later one of the same `episode_id` replaces
            the earlier one. Usually none.

        Raises:
            TypeError: The samples are not real numbers.
            ValueError: The shape does not fit, or the detector was finished.
        """
        self._check_running()
        episodes: list[Episode] = []
        for piece in self._split_block(as_matrix(block, channels=self.channels)):
            self._scale.push(piece)
            episodes += self._apply_events(self._pipeline.push(self._next_index, piece))
            self._next_index += len(piece)
        self._scale.warn(stacklevel=2)
        return episodes

    def skip(self, samples: int) -> None:
        """Pass over samples that were lost, as if that many rows of NaN had been pushed.

        Episodes that end in the gap are reported with the next block. While a gap lasts, push blocks of NaN instead to
        have them reported in time.

        Args:
            samples: How many per channel, 0 or more.

        Raises:
            TypeError: Not a whole number.
            ValueError: Negative, or the detector was finished.
        """
        self._check_running()
        count = index(samples)
        if count < 0:
            raise ValueError(f"samples is {count}; only samples that come later can be skipped")
        self._next_index += count

    def push_temperature(self, celsius: float) -> None:
        """Set the skin temperature from here on, in degC; NaN where the probe has none."""
        self._pipeline.push_temperature(self._next_index, float(celsius))

    def finish(self) -> list[Episode]:
        """End the stream: close what is open, and return its last revisions. A second call returns nothing.

        Afterwards no samples can be pushed.
        """
        if self._is_finished:
            return []
        self._is_finished = True
        self._scale.warn(stacklevel=2, at_end=True)
        return self._apply_events(self._pipeline.finish())

    def checkpoint(self) -> bytes:
        """Return everything that `restore` needs to go on in another process, 70 kB or so.

        It holds until a version of crampwatch whose detector works differently; `restore` refuses it then.
        """
        return msgspec.msgpack.encode(
            _Checkpoint(
                version=_CHECKPOINT_VERSION,
                unit=self._unit,
                next_index=self._next_index,
                is_finished=self._is_finished,
                state=self._state,
                episodes=self._collector.episodes(),
                pipeline=self._pipeline.to_state(),
            )
        )

    @classmethod
    def restore(cls, checkpoint: bytes) -> "Detector":
        """Return a detector that goes on where a checkpoint was made.

        Raises:
            ValueError: These bytes are no checkpoint, or one of another version.
        """
        saved = _decode_checkpoint(checkpoint)
        pipeline = Pipeline.from_state(saved.pipeline)
        stream = pipeline.stream
        detector = cls(rate_hz=stream.rate_hz, channels=stream.channels, unit=saved.unit, labels=stream.labels)
        detector._pipeline = pipeline
        detector._collector.update(saved.episodes)
        detector._state = saved.state
        detector._next_index, detector._is_finished = saved.next_index, saved.is_finished
        return detector

    @property
    def rate_hz(self) -> float:
        """Samples per second and channel."""
        return self._pipeline.stream.rate_hz

    @property
    def channels(self) -> int:
        """Columns of a block."""
        return self._pipeline.stream.channels

    @property
    def time_s(self) -> float:
        """Length of the stream so far, gaps included, in seconds."""
        return self._next_index / self.rate_hz

    @property
    def state(self) -> SignalState | None:
        """Present state of the muscle, or why it is not known; None before the first tenth of a second."""
        return self._state

    @property
    def episodes(self) -> list[Episode]:
        """Latest revision of every episode so far, by onset, without those retracted; the last ones may be open."""
        return self._collector.episodes()

    def __repr__(self) -> str:
        kinds = Counter(episode.kind for episode in self.episodes)
        found = ", ".join(f"{count} likely {kind_name(kind, count=count)}" for kind, count in kinds.most_common())
        plural = "" if self.channels == 1 else "s"
        return (
            f"<Detector {self.channels} channel{plural} at {self.rate_hz:g} Hz: "
            f"{self.time_s:.1f} s analysed, {found or 'no episodes'}>"
        )

    def _check_running(self) -> None:
        if self._is_finished:
            raise ValueError("this detector was finished; make a new one for another recording")

    def _split_block(self, rows: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
        """Yield a block in pieces of a minute: memory stays bounded even where a whole night is pushed at once."""
        step = max(1, round(BLOCK_S * self.rate_hz))
        for start in range(0, len(rows), step):
            yield without_absurd(rows[start : start + step], factor=self._factor)

    def _apply_events(self, events: Sequence[Event]) -> list[Episode]:
        self._collector.update(events)
        for event in events:
            if isinstance(event, StateChange):
                self._state = event.state
        return [event for event in events if isinstance(event, Episode)]


def _decode_checkpoint(checkpoint: bytes) -> _Checkpoint:
    try:
        saved = msgspec.msgpack.decode(checkpoint, type=_Checkpoint)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise StateError(f"These bytes are no checkpoint of a Detector: {error}.") from error
    if saved.version != _CHECKPOINT_VERSION:
        raise StateError(f"The checkpoint has version {saved.version}; this version reads {_CHECKPOINT_VERSION}.")
    return saved
