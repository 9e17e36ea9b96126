"""The streaming detector of one sensor boot: blocks of EMG in, events out, the same whatever the blocks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from crampwatch.detector.calibration.calibration import Calibration
from crampwatch.detector.episodes.tracker import EpisodeTracker
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.events import Event, Features
from crampwatch.detector.pipeline.calibration_schedule import CalibrationSchedule
from crampwatch.detector.pipeline.checkpoint import (
    PipelineState,
    StateError,
    decode_checkpoint,
    encode_checkpoint,
)
from crampwatch.detector.pipeline.part import Part
from crampwatch.detector.pipeline.signal_state import SignalStateMachine, signal_codes
from crampwatch.detector.signal.activity import PAST_BINS, Activity, ActivityRule
from crampwatch.detector.signal.grid import BINS_PER_HOP, Frame, Framer, Grid
from crampwatch.detector.signal.history import History
from crampwatch.detector.signal.measures import Measurer, Measures
from crampwatch.detector.signal.nan import filled
from crampwatch.detector.signal.noise_floor import LONGEST_SLOT_HOPS, NoiseFloor
from crampwatch.detector.signal.quality import BLOCKING_BITS, QualityGate
from crampwatch.detector.signal.side_by_side import Measured, Unmeasured, measure_together
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["Pipeline", "Prepared", "push_together"]

Array = NDArray[np.float64]

_LONGEST_BRIDGE_S = 10.0  # a longer jump of the sample index is not walked through hop by hop
_ENVELOPE_HOPS = 3
_MAINS_LEAK = 0.002  # the notches hold a line 29 dB down while the grid drifts by 0.05 Hz


class Pipeline:
    """Detects episodes in the EMG of one sensor boot.

    The sample index is the only clock. Blocks come in order; a jump ahead of the index is a gap, an overlap with what
    was
    already seen is skipped. Any split of a stream into blocks gives the same episodes.

    Args:
        stream: The stream as the sensor describes it. With an unknown scale (`lsb` NaN) values are counts, and
            detection is
            relative to the signal's own rest.
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
        self._gate = QualityGate.of(stream)
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
            "front": self._measurer.front,
            "floor": self._floor,
            "history": self._history,
        }

    @property
    def next_index(self) -> int:
        """Sample index expected next; 0 before the first block."""
        return self._framer.next_index or 0

    def push(self, first_index: int, emg: Array) -> list[Event]:
        """Take a block and return what it brings to light.

        Args:
            first_index: Unwrapped sample index of the first row.
            emg: uV (counts where the scale is unknown), NaN where missing; (n, channels).

        Raises:
            ValueError: The block has another number of channels.
        """
        return push_together([(self, first_index, emg)])[0]

    def push_temperature(self, index: int, celsius: float) -> None:
        """Tell the skin temperature at a sample index; NaN where the probe gave none."""
        del index  # the temperature changes over minutes: the latest is good enough
        self._celsius = celsius if math.isfinite(celsius) else self._celsius

    def calibrate(self, calibration: Calibration, *, later: bool = False) -> None:
        """Judge with what is known of the wearer, from now on: best before the first block.

        Args:
            calibration: Of this sensor as it is worn now.
            later: Only from the first slot of 5 s that begins at or after its `valid_from_index`, so that a live run
                and the run over the whole recording change over at the same sample. Telling it again is harmless.

        Raises:
            ConfigurationError: It is of another kind of stream.
        """
        if not calibration.fits(self.stream):
            raise ConfigurationError(
                f"The calibration {calibration.name} is of {len(calibration.channels)} channel(s) at "
                f"{calibration.rate_hz:g} Hz in {calibration.unit}, which this signal is not.",
                advice="Calibrate again with the sensor and settings of the night.",
            )
        if later:
            self._calibrations.add(calibration)
        else:
            self._calibrations.current = calibration
            self._apply(calibration)

    def finish(self) -> list[Event]:
        """Close what is open at the end of a recording."""
        events: list[Event] = []
        pending = len(self._framer.pending)
        frame = self._framer.flush() if pending else None
        if frame is not None:
            events += self._measure_and_judge(frame)
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

    def prepare(self, first_index: int, emg: Array) -> "Prepared":
        """Cut a block into hops, the first half of `push`; what it returns must be measured and given to `judge`.

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
            return Prepared(events, None)
        if expected is not None and first_index - expected > _LONGEST_BRIDGE_S * self.stream.rate_hz:
            events += self._leave_behind(expected)
            self._framer.jump(first_index)
        frame = self._framer.push(first_index, block)
        return Prepared(events, None if frame is None else Unmeasured(self._measurer, self._gate, frame))

    def judge(self, first_hop: int, measured: Measured) -> list[Event]:
        """Take measured hops, the second half of `push`."""
        return self._analyse(first_hop, *measured)

    def _leave_behind(self, expected: int) -> list[Event]:
        """Walk through the first seconds of a long gap, so that it ends what was under way; then start afresh."""
        rest = np.full((round(_LONGEST_BRIDGE_S * self.stream.rate_hz), self.stream.channels), np.nan)
        frame = self._framer.push(expected, rest)
        assert frame is not None  # ten seconds complete a hop at any rate
        events = self._measure_and_judge(frame)
        self._measurer.restart()
        return events

    def _measure_and_judge(self, frame: Frame) -> list[Event]:
        return self.judge(frame.first_hop, *measure_together([Unmeasured(self._measurer, self._gate, frame)]))

    def _analyse(self, first_hop: int, measures: Measures, bits: NDArray[np.uint16]) -> list[Event]:
        usable = (bits & BLOCKING_BITS) == 0
        start = self._history.extend(first_hop, measures, usable)
        codes = signal_codes(bits)
        events: list[Event] = []
        row = start
        while row < self._history.hops:
            hop = self._history.first_hop + row
            if hop % LONGEST_SLOT_HOPS == 0 and (latest := self._calibrations.advance(hop * self._grid.hop_samples)):
                self._apply(latest)
            slot_hops = self._floor.slot_hops()
            count = min(slot_hops - hop % slot_hops, self._history.hops - row)
            events += self._slot(row, count, codes[row - start : row - start + count])
            row += count
            if (hop + count) % slot_hops == 0:
                self._follow_floor(row, slot_hops)
        features = self._features(start, bits)
        self._history.trim()
        return [features, *events]

    def _apply(self, calibration: Calibration) -> None:
        self._tracker.calibrate(calibration)
        self._floor.expect(calibration.rest_power())
        self._rest_power, self._rest_mains = self._floor.levels()

    def _slot(self, row: int, count: int, codes: NDArray[np.int8]) -> list[Event]:
        """Judge hops against one floor."""
        history = self._history
        floor = self._effective_floor(row, count)
        history.floor[row : row + count] = floor
        bins = history.measures.bin_power[row * BINS_PER_HOP : (row + count) * BINS_PER_HOP]
        bin_floor = np.repeat(floor, BINS_PER_HOP, axis=0)
        if not self._tracker.is_idle() or self._rule.may_begin(bins, bin_floor):
            return self._walk(row, count, bin_floor, codes)
        return list(self._signal_state.push_quiet(history.first_hop + row, codes, self._grid.hop_samples))

    def _effective_floor(self, row: int, count: int) -> Array:
        """Return the resting power, and what the notches may let through of mains louder than when it was learned.

        Too high a rest for a minute spares an alarm about a lamp that was switched on; too low a one would be activity
        itself once the mains are gone, and would never be learned again.
        """
        mains = filled(self._history.measures.mains[row : row + count])
        return np.asarray(self._rest_power + _MAINS_LEAK * np.maximum(mains - self._rest_mains, 0.0))

    def _walk(self, row: int, count: int, bin_floor: Array, codes: NDArray[np.int8]) -> list[Event]:
        history, tracker = self._history, self._tracker
        activity = self._judge_bins(row, count, bin_floor)
        first = history.first_hop + row
        if tracker.is_idle() and not activity.begins.any():
            return list(self._signal_state.push_quiet(first, codes, self._grid.hop_samples))
        rows = slice(row, row + count)
        excess = filled(history.measures.power[rows] - history.floor[rows])
        bins = slice(row * BINS_PER_HOP, (row + count) * BINS_PER_HOP)
        peak = history.measures.bin_peak[bins].reshape(count, BINS_PER_HOP, -1).max(axis=1)
        events: list[Event] = []
        hops = activity.by_hop(excess, filled(peak), history.usable[rows])
        for place, (hop_activity, code) in enumerate(zip(hops, codes.tolist(), strict=True)):
            end = (first + place + 1) * self._grid.hop_samples
            if tracker.is_idle() and max(hop_activity.begin_bin) < 0:
                events += self._signal_state.push(end, code, kinds=())
                continue
            tracker.push(history, first + place, hop_activity)
            events += tracker.pop_revisions()
            events += self._signal_state.push(end, code, kinds=tracker.kinds())
        return events

    def _judge_bins(self, row: int, count: int, bin_floor: Array) -> Activity:
        """Return which bins of some hops begin or hold an episode, (5 * count, channels)."""
        first, last = row * BINS_PER_HOP, (row + count) * BINS_PER_HOP
        power = self._history.measures.bin_power[max(0, first - PAST_BINS) : last]
        missing = PAST_BINS - min(first, PAST_BINS)
        padded = np.concatenate([np.zeros((missing, power.shape[1])), power]) if missing else power
        usable = np.repeat(self._history.usable[row : row + count], BINS_PER_HOP, axis=0)
        floor = np.where(usable & np.isfinite(bin_floor), bin_floor, np.inf)
        return self._rule.judge(padded, floor, self.config.tail_share)

    def _follow_floor(self, end: int, slot_hops: int) -> None:
        """Let the floor follow what a slot that ends here was like."""
        rows = slice(max(0, end - slot_hops), end)
        history = self._history
        power = history.measures.power[rows]
        judged = np.where(history.usable[rows] & (power > 0), power, np.nan)
        mains = _median(filled(history.measures.mains[rows]))
        self._floor.update(judged, judged_against=history.floor[rows], mains=mains)
        self._rest_power, self._rest_mains = self._floor.levels()

    def _features(self, start: int, bits: NDArray[np.uint16]) -> Features:
        history = self._history
        power = history.measures.power
        padded = power[max(0, start - _ENVELOPE_HOPS + 1) :]
        floor = np.sqrt(history.floor[start:])
        return Features(
            first_index=(history.first_hop + start) * self._grid.hop_samples,
            step_samples=self._grid.hop_samples,
            rms=np.sqrt(power[start:]),
            envelope=np.sqrt(_trailing_mean(padded, len(power) - start)),
            floor=floor,
            threshold=floor * math.sqrt(self._rule.smooth_ratio),
            median_hz=history.measures.median_hz[start:].copy(),
            quality=bits,
        )


class Prepared(NamedTuple):
    """A block cut into hops: what a long gap before it ended, and the hops it completes, if any."""

    events: list[Event]
    hops: Unmeasured | None


def push_together(work: Sequence[tuple[Pipeline, int, Array]]) -> list[list[Event]]:
    """Push one block each to many detectors, and return what each brings to light.

    The result is that of `Pipeline.push`, but for the rounding of sums.

    Args:
        work: Detectors, each at most once, with the arguments of `push`.

    Raises:
        ValueError: A block has another number of channels.
    """
    prepared = [detector.prepare(first_index, emg) for detector, first_index, emg in work]
    measured = iter(measure_together([item.hops for item in prepared if item.hops is not None]))
    return [
        item.events if item.hops is None else item.events + detector.judge(item.hops.frame.first_hop, next(measured))
        for (detector, _, _), item in zip(work, prepared, strict=True)
    ]


def _least_floor_power(stream: StreamDescription, config: DetectorConfig) -> float:
    """Half a count: a converter that toggles between two codes shows as much, whatever the muscle does."""
    if not stream.has_scale:
        return 0.25
    return max(config.least_floor_uv, 0.5 * stream.lsb_uv) ** 2


def _median(values: Array) -> Array:
    """Return what `numpy.median` does of each column, which takes five times as long over so few values."""
    ordered = np.sort(values, axis=0)
    middle: Array = 0.5 * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])
    return middle


def _trailing_mean(values: Array, count: int) -> Array:
    """Return means over the last three rows for each of the last `count` rows, over what is there."""
    before = np.full((count + _ENVELOPE_HOPS - 1 - len(values), values.shape[1]), np.nan)
    padded = np.concatenate([before, values]) if len(before) else values
    absent = np.isnan(padded)
    if not absent.any():  # as nearly always
        return _sum_of_three(padded) / _ENVELOPE_HOPS
    known = _ENVELOPE_HOPS - _sum_of_three(absent.astype(np.float64))
    return np.where(known > 0, _sum_of_three(np.where(absent, 0.0, padded)) / np.maximum(known, 1.0), np.nan)


def _sum_of_three(values: Array) -> Array:
    total: Array = values[2:] + values[1:-1] + values[:-2]
    return total
