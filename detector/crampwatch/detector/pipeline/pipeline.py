"""The streaming pipeline of one sensor boot: blocks of EMG in, events out, the same however the stream was cut.

::

    block -> Framer -> Measurer (FilterChain) -> QualityGate -> History -+-> Features
             whole     measures of each hop      usable hops             |
             hops                                                        +-> ActivityRule -> EpisodeTracker -> Episode
                                                  NoiseFloor <-----------+   active bins
                                                                         +-> SignalStateMachine -> StateChange

Vectorised and stepwise work are kept apart. Filters and measures run over all hops of a block at once, and over many
sensors at once (`push_together`). Decisions run slot by slot, since the floor changes between slots, and within a slot
hop by hop, but only while an episode is under way or may begin: a night is nearly all rest, and a slot of rest costs
one comparison.

Invariants: the sample index is the only clock; slots, hops and bins start at multiples of their length since index 0;
what is decided about a hop depends on nothing after it. So any split of a stream into blocks gives the same events, and
a pipeline restored from `to_state` continues as if nothing had happened.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.tracker import EpisodeTracker
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.events import Event
from crampwatch.detector.pipeline.calibration_schedule import CalibrationSchedule
from crampwatch.detector.pipeline.checkpoint import (
    PipelineState,
    StateError,
    decode_checkpoint,
    encode_checkpoint,
)
from crampwatch.detector.pipeline.feature_blocks import build_features
from crampwatch.detector.pipeline.part import Part
from crampwatch.detector.pipeline.signal_state import SignalStateMachine, signal_codes
from crampwatch.detector.signal.activity import PAST_BINS, Activity, ActivityRule, HopActivity
from crampwatch.detector.signal.grid import BINS_PER_HOP, Frame, Framer, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.measures import Measurer
from crampwatch.detector.signal.nan import filled
from crampwatch.detector.signal.noise_floor import LONGEST_SLOT_HOPS, NoiseFloor
from crampwatch.detector.signal.quality import BLOCKING_BITS, QualityGate
from crampwatch.detector.signal.side_by_side import MeasuredFrame, PendingFrame, measure_together
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["Pipeline", "PreparedBlock", "push_together"]

Array = NDArray[np.float64]

_LONGEST_BRIDGE_S = 10.0  # longer gaps are skipped: all episodes are over by then, and the filters at a standstill
_MAINS_LEAK = 0.002  # of their power: the notches hold a line 29 dB down while the grid drifts by 0.05 Hz
_LEAST_RELATIVE_POWER = 0.25  # half a count squared, where the scale is unknown


class Pipeline:
    """Detects episodes in the EMG of one sensor boot.

    Blocks come in order; a jump ahead of the index is a gap, an overlap with earlier blocks is skipped.

    Args:
        stream: The stream as the sensor describes it. With an unknown scale (`lsb` NaN) values are counts, and
            detection is relative to the signal's own rest.
        config: Thresholds; the defaults where None.

    Raises:
        ConfigurationError: The stream has no channel, or no usable rate.
    """

    def __init__(self, stream: StreamDescription, *, config: DetectorConfig | None = None) -> None:
        if stream.channels < 1 or not math.isfinite(stream.rate_hz) or stream.rate_hz <= 0:
            raise ConfigurationError(
                f"Cannot analyse {stream.channels} channels at {stream.rate_hz} Hz.",
                advice="A stream needs at least one channel and a positive sampling rate.",
            )
        self.stream = stream
        self.config = config or DetectorConfig()
        self._grid = Grid.at_rate(stream.rate_hz)
        self._framer = Framer(self._grid, stream.channels)
        self._measurer = Measurer(self._grid, stream.channels)
        self._gate = QualityGate.for_stream(stream)
        self._rule = ActivityRule.at_rate(self._grid, self.config)
        self._floor = NoiseFloor(stream.channels, np.full(stream.channels, _least_floor_power(stream, self.config)))
        self._rest_power, self._rest_mains = self._floor.levels()
        self._history = History.empty(stream.channels)
        self._tracker = EpisodeTracker(self._grid, self.config, stream)
        self._signal_state = SignalStateMachine()
        self._calibrations = CalibrationSchedule()
        self._celsius = math.nan
        # Signal parts that have a state, by their names in a checkpoint: a new one needs an entry here and no more.
        self._parts: dict[str, Part] = {
            "framer": self._framer,
            "measurer": self._measurer,
            "front": self._measurer.filters,
            "floor": self._floor,
            "history": self._history,
        }

    @property
    def next_index(self) -> int:
        """Sample index expected next; 0 before the first block."""
        return self._framer.next_index or 0

    def push(self, first_index: int, emg: Array) -> list[Event]:
        """Analyse a block; return its features, then the episodes and states that changed.

        Args:
            first_index: Unwrapped sample index of the first row.
            emg: uV (counts where the scale is unknown), NaN where missing; (n, channels).

        Raises:
            ValueError: The block has another number of channels.
        """
        return push_together([(self, first_index, emg)])[0]

    def push_temperature(self, index: int, celsius: float) -> None:
        """Push the skin temperature at a sample index; NaN, where the probe gave none, is ignored."""
        del index  # the temperature changes over minutes: the latest is good enough
        self._celsius = celsius if math.isfinite(celsius) else self._celsius

    def calibrate(self, calibration: Calibration, *, later: bool = False) -> None:
        """Use a personal calibration from now on, best before the first block.

        Args:
            calibration: Of this sensor as it is worn now.
            later: Only from the first slot of 5 s that starts at or after its `valid_from_index`, so that a live run
                and the final analysis switch at the same sample. The same calibration may be passed again.

        Raises:
            ConfigurationError: It was made for another kind of stream.
        """
        if not calibration.fits(self.stream):
            raise ConfigurationError(
                f"The calibration {calibration.name} was made for {len(calibration.channels)} channel(s) at "
                f"{calibration.rate_hz:g} Hz in {calibration.unit}, but this signal has {self.stream.channels} at "
                f"{self.stream.rate_hz:g} Hz in {'uV' if self.stream.has_scale else 'relative units'}.",
                advice="Calibrate again with the sensor and settings of the night.",
            )
        if later:
            self._calibrations.add(calibration)
        else:
            self._calibrations.current = calibration
            self._apply_calibration(calibration)

    def finish(self) -> list[Event]:
        """Close all episodes at the end of a recording; return the last events."""
        frame = self._framer.flush()
        events = [] if frame is None else self._measure_and_analyse(frame)
        self._tracker.finish(self._history, self._history.first_hop + self._history.hops - 1)
        return [*events, *self._tracker.pop_revisions()]

    def to_state(self) -> bytes:
        """Return everything that is needed to continue in another process."""
        return encode_checkpoint(
            PipelineState(
                stream=self.stream,
                config=self.config,
                parts={name: part.state() for name, part in self._parts.items()},
                tracker=self._tracker.state(),
                signal_state=self._signal_state.state(),
                calibrations=self._calibrations.state(),
                celsius=self._celsius,
            )
        )

    @classmethod
    def from_state(cls, state: bytes) -> "Pipeline":
        """Return a pipeline that continues where `to_state` was called.

        Raises:
            StateError: Not a state of the detector, or one of another version.
        """
        saved = decode_checkpoint(state)
        pipeline = cls(saved.stream, config=saved.config)
        try:
            pipeline._restore(saved)
        except KeyError as error:
            raise StateError(f"The detector's state lacks {error}.", advice="Start the detector without it.") from error
        return pipeline

    def _restore(self, saved: PipelineState) -> None:
        for name, part in self._parts.items():
            part.restore(saved.parts[name])
        self._tracker.restore(saved.tracker)
        self._signal_state.restore(saved.signal_state)
        self._calibrations.restore(saved.calibrations)
        self._celsius = saved.celsius
        self._tracker.calibrate(self._calibrations.current)
        self._rest_power, self._rest_mains = self._floor.levels()

    def prepare(self, first_index: int, emg: Array) -> "PreparedBlock":
        """Cut a block into hops: the first half of `push`, before the hops are measured (see `push_together`).

        Raises:
            ValueError: The block has another number of channels.
        """
        block = np.asarray(emg, dtype=np.float64)
        if block.ndim != 2 or block.shape[1] != self.stream.channels:
            raise ValueError(f"expected a block of shape (n, {self.stream.channels}), got {block.shape}")
        expected = self._framer.next_index
        if expected is not None and first_index < expected:
            block, first_index = block[expected - first_index :], expected
        events: list[Event] = []
        if not len(block):
            return PreparedBlock(events, None)
        if expected is not None and first_index - expected > _LONGEST_BRIDGE_S * self.stream.rate_hz:
            events += self._close_before_gap(expected)
            self._framer.jump(first_index)
        frame = self._framer.push(first_index, block)
        return PreparedBlock(events, None if frame is None else PendingFrame(self._measurer, self._gate, frame))

    def analyse(self, first_hop: int, measured: MeasuredFrame) -> list[Event]:
        """Analyse measured hops: the second half of `push`."""
        measures, bits = measured
        usable = (bits & BLOCKING_BITS) == 0
        start = self._history.extend(first_hop, measures, usable)
        codes = signal_codes(bits)
        events: list[Event] = []
        row = start
        while row < self._history.hops:
            hop = self._history.first_hop + row
            if hop % LONGEST_SLOT_HOPS == 0 and (latest := self._calibrations.advance(hop * self._grid.hop_samples)):
                self._apply_calibration(latest)
            slot_hops = self._floor.slot_hops()
            count = min(slot_hops - hop % slot_hops, self._history.hops - row)
            events += self._analyse_slot(row, count, codes[row - start : row - start + count])
            row += count
            if (hop + count) % slot_hops == 0:
                self._update_floor(row, slot_hops)
        ratio = self._rule.smooth_ratio
        features = build_features(self._history, self._grid, first_row=start, onset_ratio=ratio, bits=bits)
        self._history.trim()
        return [features, *events]

    def _close_before_gap(self, expected: int) -> list[Event]:
        """Analyse the first seconds of a long gap, which ends what was under way; then reset the filters."""
        missing = np.full((round(_LONGEST_BRIDGE_S * self.stream.rate_hz), self.stream.channels), np.nan)
        frame = self._framer.push(expected, missing)
        assert frame is not None  # ten seconds complete a hop at any rate
        events = self._measure_and_analyse(frame)
        self._measurer.reset()
        return events

    def _measure_and_analyse(self, frame: Frame) -> list[Event]:
        return self.analyse(frame.first_hop, *measure_together([PendingFrame(self._measurer, self._gate, frame)]))

    def _apply_calibration(self, calibration: Calibration) -> None:
        self._tracker.calibrate(calibration)
        self._floor.expect(calibration.rest_power())
        self._rest_power, self._rest_mains = self._floor.levels()

    def _analyse_slot(self, row: int, count: int, codes: NDArray[np.int8]) -> list[Event]:
        """Analyse hops of one slot: store the floor they are compared with, and find activity if there may be any."""
        history = self._history
        floor = self._effective_floor(row, count)
        history.floor[row : row + count] = floor
        bins = history.measures.bin_power[row * BINS_PER_HOP : (row + count) * BINS_PER_HOP]
        bin_floor = np.repeat(floor, BINS_PER_HOP, axis=0)
        if not self._tracker.is_idle() or self._rule.may_begin(bins, bin_floor):
            return self._track_hops(row, count, bin_floor, codes)
        return list(self._signal_state.push_quiet(history.first_hop + row, codes, self._grid.hop_samples))

    def _effective_floor(self, row: int, count: int) -> Array:
        """Return the resting power, and what the notches may let through of mains louder than when it was learned.

        Too high a floor for a minute spares an alarm about a lamp that was switched on; too low a one would make
        activity of the mains, and would never be learned again once they are gone.
        """
        mains = filled(self._history.measures.mains[row : row + count])
        return np.asarray(self._rest_power + _MAINS_LEAK * np.maximum(mains - self._rest_mains, 0.0))

    def _track_hops(self, row: int, count: int, bin_floor: Array, codes: NDArray[np.int8]) -> list[Event]:
        """Push hops to the tracker one by one, as long as anything is under way or begins."""
        history, tracker = self._history, self._tracker
        activity = self._find_active(row, count, bin_floor)
        first = history.first_hop + row
        if tracker.is_idle() and not activity.begins.any():
            return list(self._signal_state.push_quiet(first, codes, self._grid.hop_samples))
        events: list[Event] = []
        hops = self._activity_by_hop(activity, row, count)
        for place, (hop_activity, code) in enumerate(zip(hops, codes.tolist(), strict=True)):
            end = (first + place + 1) * self._grid.hop_samples
            if tracker.is_idle() and max(hop_activity.begin_bin) < 0:
                events += self._signal_state.push(end, code, kinds=())
                continue
            tracker.push(history, first + place, hop_activity)
            events += tracker.pop_revisions()
            events += self._signal_state.push(end, code, kinds=tracker.kinds())
        return events

    def _find_active(self, row: int, count: int, bin_floor: Array) -> Activity:
        """Return which bins of some hops are active; none where the signal is not usable or no floor is known."""
        first, last = row * BINS_PER_HOP, (row + count) * BINS_PER_HOP
        power = self._history.measures.bin_power[max(0, first - PAST_BINS) : last]
        missing = PAST_BINS - min(first, PAST_BINS)
        padded = np.concatenate([np.zeros((missing, power.shape[1])), power]) if missing else power
        usable = np.repeat(self._history.usable[row : row + count], BINS_PER_HOP, axis=0)
        floor = np.where(usable & np.isfinite(bin_floor), bin_floor, np.inf)
        return self._rule.find_active(padded, floor, self.config.tail_share)

    def _activity_by_hop(self, activity: Activity, row: int, count: int) -> list[HopActivity]:
        history, rows = self._history, slice(row, row + count)
        excess = filled(history.measures.power[rows] - history.floor[rows])
        bins = slice(row * BINS_PER_HOP, (row + count) * BINS_PER_HOP)
        peak = history.measures.bin_peak[bins].reshape(count, BINS_PER_HOP, -1).max(axis=1)
        return activity.by_hop(excess, filled(peak), history.usable[rows])

    def _update_floor(self, end: int, slot_hops: int) -> None:
        """Let the floor learn from the slot that ends before row `end`."""
        rows = slice(max(0, end - slot_hops), end)
        history = self._history
        power = history.measures.power[rows]
        known = np.where(history.usable[rows] & (power > 0), power, np.nan)
        mains = _median(filled(history.measures.mains[rows]))
        self._floor.update(known, floor=history.floor[rows], mains=mains)
        self._rest_power, self._rest_mains = self._floor.levels()


class PreparedBlock(NamedTuple):
    """A block cut into hops.

    Attributes:
        events: Of the episodes that a long gap before the block ended.
        frame: The hops that it completes; None without any.
    """

    events: list[Event]
    frame: PendingFrame | None


def push_together(work: Sequence[tuple[Pipeline, int, Array]]) -> list[list[Event]]:
    """Push one block each to many pipelines; return the events of each.

    They equal those of `Pipeline.push` but for the rounding of sums.

    Args:
        work: Pipelines, each at most once, with the arguments of `push`.

    Raises:
        ValueError: A block has another number of channels.
    """
    prepared = [pipeline.prepare(first_index, emg) for pipeline, first_index, emg in work]
    measured = iter(measure_together([block.frame for block in prepared if block.frame is not None]))
    events = []
    for (pipeline, _, _), (earlier, pending) in zip(work, prepared, strict=True):
        later = [] if pending is None else pipeline.analyse(pending.frame.first_hop, next(measured))
        events.append([*earlier, *later])
    return events


def _least_floor_power(stream: StreamDescription, config: DetectorConfig) -> float:
    """Return the power of half a count: a converter that toggles between two codes shows it without any muscle."""
    if not stream.has_scale:
        return _LEAST_RELATIVE_POWER
    return max(config.least_floor_uv, 0.5 * stream.lsb_uv) ** 2


def _median(values: Array) -> Array:
    """Return the median of each column; `numpy.median` takes five times as long over so few values."""
    ordered = np.sort(values, axis=0)
    middle: Array = 0.5 * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])
    return middle
