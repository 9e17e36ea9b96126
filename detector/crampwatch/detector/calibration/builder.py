"""Makes a calibration of a signal and of when the wearer did what; refuses one that would mislead (no I/O).

Judged by the detector's own front end, so that its figures compare with what the detector sees at night.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from crampwatch.detector.calibration.calibration import (
    Calibration,
    CalibrationRefusedError,
    ChannelCalibration,
    Phase,
    sign,
)
from crampwatch.detector.model.events import QUALITY_BITS
from crampwatch.detector.signal.grid import Framer, Grid
from crampwatch.detector.signal.measures import Measurer
from crampwatch.detector.signal.quality import BLOCKING_BITS, QualityGate
from crampwatch.detector.signal.side_by_side import PendingFrame, measure_together
from crampwatch.protocol.kinds import Quality
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["NOWHERE", "CalibrationMaker", "Segment", "Wearing"]

Array = NDArray[np.float64]

_LONGEST_S = 600.0
_LONGEST_GAP_S = 5.0
_REACTION_S = 1.0  # a person needs this long to begin and to let go; what is in between belongs to no phase
_SHORTEST_S = 4.0  # of a phase, without the time to react: forty hops
_STRONGEST_S = 1.0  # the usual window over which a greatest voluntary amplitude is taken
_SEEN_DB = 10.0  # below it a tenth of what is called muscle is rest
_CALM_DB = 9.0  # 90th over 10th percentile of the power: 5 dB in noise at 200 Hz, with room for a heart
_LOST_SHARE = 0.2
_CLIPPED_SHARE = 0.1
_CURLING_S = 1.5
_MOTION_DB = 13.0  # twenty times more slow waves than muscle: the cable was curled, not the toes
_VALID_AFTER_S = 10.0  # time for a detector that runs to hear of it, so that live and final run change over alike
_CLIPPED_BITS = QUALITY_BITS[Quality.CLIPPED] | QUALITY_BITS[Quality.RAIL]


class Segment(NamedTuple):
    """When the wearer did what: sample indices, the last not included."""

    phase: Phase
    start_index: int
    stop_index: int


class Wearing(NamedTuple):
    """Whose signal it is and where it is worn, as `Calibration` has it."""

    sensor: str = ""
    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: str = ""
    boot_id: int = 0


NOWHERE: Final = Wearing()
"""Of a recording that does not tell."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Hops of one phase.

    Attributes:
        power: Of the EMG band, uV2, NaN where missing; (hops, channels).
        motion: Below 12 Hz, uV2; (hops, channels).
        bits: Quality; (hops, channels).
    """

    power: Array
    motion: Array
    bits: NDArray[np.uint16]


class CalibrationMaker:
    """Takes the signal as it comes, in any blocks, and keeps ten minutes of measures.

    Args:
        stream: The stream as the sensor describes it.
    """

    def __init__(self, stream: StreamDescription) -> None:
        self.stream = stream
        self._grid = Grid.at_rate(stream.rate_hz)
        self._framer = Framer(self._grid, stream.channels)
        self._measurer = Measurer(self._grid, stream.channels)
        self._gate = QualityGate.for_stream(stream)
        self._parts: list[tuple[int, _Part]] = []

    @property
    def next_index(self) -> int:
        """Sample index expected next; 0 before the first block."""
        return self._framer.next_index or 0

    def push(self, first_index: int, emg: Array) -> None:
        """Take a block; what was already seen of it is skipped, and a long gap begins anew.

        Args:
            first_index: Sample index of the first row.
            emg: uV (counts where the scale is unknown), NaN where missing; (n, channels).
        """
        expected = self._framer.next_index
        if expected is not None and first_index - expected > _LONGEST_GAP_S * self.stream.rate_hz:
            self._framer.jump(first_index)
            self._measurer.reset()
            expected = self._framer.next_index
        skipped = 0 if expected is None else max(0, expected - first_index)
        frame = self._framer.push(first_index + skipped, emg[skipped:]) if skipped < len(emg) else None
        if frame is None:
            return
        measures, bits = measure_together([PendingFrame(self._measurer, self._gate, frame)])[0]
        self._parts.append((frame.first_hop, _Part(measures.power, measures.motion, bits)))
        oldest = self.next_index - _LONGEST_S * self.stream.rate_hz
        while self._parts[0][0] * self._grid.hop_samples < oldest and len(self._parts) > 1:
            self._parts.pop(0)

    def level(self) -> Array:
        """Return the root mean square of the last 0.3 s or so, NaN where there is none; (channels,)."""
        recent = [part.power for _, part in self._parts[-3:]]
        if not recent:
            return np.full(self.stream.channels, np.nan)
        power: Array = np.sqrt(np.concatenate(recent)[-3:].mean(axis=0))
        return power

    def make(self, segments: Sequence[Segment], *, wearing: Wearing = NOWHERE, made_ns: int = 0) -> Calibration:
        """Return the calibration of what was taken.

        Args:
            segments: When the wearer rested, curled the toes, and moved the ankle; the ankle may be left out.
            wearing: Whose and where.
            made_ns: UTC of the last segment's end.

        Raises:
            CalibrationRefusedError: It would mislead; the message says what was not seen.
        """
        _check_ends(segments, self.next_index)
        phases = {phase: self._part(segments, phase) for phase in Phase}
        rest, curl, ankle = (phases[phase] for phase in Phase)
        _check_length(phases, self._grid)
        _check_contact(rest, curl)
        resting = _check_rest(rest)
        curled = self._strongest(curl, resting)
        _check_curl(curl, resting, curled, self._grid)
        moved = self._strongest(ankle, resting) if len(ankle.power) else np.zeros_like(resting)
        last = max(segment.stop_index for segment in segments)
        calibration = Calibration(
            sensor=wearing.sensor,
            side=wearing.side,
            muscle=wearing.muscle,
            made_ns=made_ns,
            boot_id=wearing.boot_id,
            stream=self.stream.stream,
            valid_from_index=last + round(_VALID_AFTER_S * self.stream.rate_hz),
            rate_hz=self.stream.rate_hz,
            unit="uV" if self.stream.has_scale else "relative",
            lsb_uv=self.stream.lsb_uv if self.stream.has_scale else None,
            channels=_channels(resting, curled, moved, ankle),
        )
        return sign(calibration)

    def _part(self, segments: Sequence[Segment], phase: Phase) -> _Part:
        """Return the hops that lie within the segments of a phase, without the time a person needs to react."""
        react, hop = round(_REACTION_S * self.stream.rate_hz), self._grid.hop_samples
        spans = [(one.start_index + react, one.stop_index - react) for one in segments if one.phase is phase]
        chosen: list[tuple[_Part, NDArray[np.bool_]]] = []
        for first_hop, part in self._parts:
            start = (first_hop + np.arange(len(part.power))) * hop
            inside = np.zeros(len(start), bool)
            for first, stop in spans:
                inside |= (start >= first) & (start + hop <= stop)
            chosen.append((part, inside))
        nothing = np.empty((0, self.stream.channels))
        return _Part(
            np.concatenate([nothing, *(part.power[inside] for part, inside in chosen)]),
            np.concatenate([nothing, *(part.motion[inside] for part, inside in chosen)]),
            np.concatenate([nothing.astype(np.uint16), *(part.bits[inside] for part, inside in chosen)]),
        )

    def _strongest(self, part: _Part, resting: Array) -> Array:
        """Return the power of the strongest second above rest, of each channel."""
        hops = max(1, round(_STRONGEST_S / self._grid.hop_s))
        power = np.where((part.bits & BLOCKING_BITS) == 0, np.nan_to_num(part.power), 0.0)
        summed = np.cumsum(np.concatenate([np.zeros((1, power.shape[1])), power]), axis=0)
        means = (summed[hops:] - summed[:-hops]) / hops
        return np.asarray(np.maximum(means.max(axis=0, initial=0.0) - resting, 0.0))


def _check_ends(segments: Sequence[Segment], next_index: int) -> None:
    for segment in segments:
        if segment.stop_index > next_index:
            raise CalibrationRefusedError(
                f"The signal ends before the phase {segment.phase!s} does.",
                advice="Give the times at which each phase really began and ended.",
            )


def _check_length(phases: dict[Phase, _Part], grid: Grid) -> None:
    for phase in (Phase.REST, Phase.CURL):
        seconds = len(phases[phase].power) * grid.hop_s
        if seconds < _SHORTEST_S:
            raise CalibrationRefusedError(
                f"There are {seconds:.1f} s of signal for the phase {phase!s}, without the second that a person needs "
                f"to begin and to end; at least {_SHORTEST_S:g} s are needed.",
                advice="Make it longer, and keep the sensor near while you do it.",
            )


def _check_contact(rest: _Part, curl: _Part) -> None:
    lost = ((rest.bits & BLOCKING_BITS) != 0) | ~np.isfinite(rest.power) | (np.nan_to_num(rest.power) <= 0.0)
    for channel, share in enumerate(lost.mean(axis=0).tolist()):
        if share > _LOST_SHARE:
            raise CalibrationRefusedError(
                f"The contact of channel {channel + 1} is bad: nothing could be judged for {share:.0%} of the rest.",
                advice="Press the electrodes on, moisten them or take new ones, and calibrate again.",
            )
    clipped = ((curl.bits & _CLIPPED_BITS) != 0).mean(axis=0)
    if clipped.max() > _CLIPPED_SHARE:
        raise CalibrationRefusedError(
            f"Channel {int(clipped.argmax()) + 1} was at its limit for {clipped.max():.0%} of the toe curls: how "
            "strong they were cannot be told.",
            advice="Fasten the cable so that it cannot move, or curl a little less hard, and calibrate again.",
        )


def _check_rest(rest: _Part) -> Array:
    """Return the power at rest of each channel."""
    known = np.where(((rest.bits & BLOCKING_BITS) == 0) & (rest.power > 0), rest.power, np.nan)
    low, middle, high = np.nanquantile(known, (0.1, 0.5, 0.9), axis=0)
    for channel, spread_db in enumerate((10.0 * np.log10(high / low)).tolist()):
        if spread_db > _CALM_DB:
            raise CalibrationRefusedError(
                f"The rest was not calm: channel {channel + 1} went up and down by {spread_db:.0f} dB, at most "
                f"{_CALM_DB:g} dB were expected.",
                advice="Lie down, let the foot hang loose and do not move it, and calibrate again.",
            )
    return np.asarray(middle)


def _check_curl(curl: _Part, resting: Array, curled: Array, grid: Grid) -> None:
    over_db = 10.0 * np.log10(curled / resting + 1e-9)
    best = int(over_db.argmax())
    active_s = float((np.nan_to_num(curl.power[:, best]) > 4.0 * resting[best]).sum()) * grid.hop_s
    if over_db[best] < _SEEN_DB or active_s < _CURLING_S:
        raise CalibrationRefusedError(
            f"The toe curls were not seen: at their strongest they stood {max(over_db[best], 0.0):.0f} dB above rest "
            f"for {active_s:.1f} s in all; {_SEEN_DB:g} dB and {_CURLING_S:g} s were expected.",
            advice="Curl the toes as hard as you can without pain, for three seconds each time; the electrodes belong "
            "over the muscle that bulges.",
        )
    motion_db = 10.0 * np.log10(np.nanmedian(curl.motion[:, best]) / curled[best] + 1e-9)
    if motion_db > _MOTION_DB:
        raise CalibrationRefusedError(
            f"Most of what the toe curls showed was motion of the electrodes, {motion_db:.0f} dB above the muscle.",
            advice="Fasten sensor and cable with tape, and calibrate again.",
        )


def _channels(resting: Array, curled: Array, moved: Array, ankle: _Part) -> tuple[ChannelCalibration, ...]:
    seen = 10.0 ** (_SEEN_DB / 10.0)
    channels = []
    for channel, (rest, curl, turn) in enumerate(zip(resting.tolist(), curled.tolist(), moved.tolist(), strict=True)):
        motion_db = _motion_db(ankle, channel, turn, rest)
        is_muscle = motion_db is not None and motion_db <= _MOTION_DB
        own = max(curl, turn) if is_muscle else curl
        channels.append(
            ChannelCalibration(
                rest=_rounded(rest**0.5),
                curl=_rounded(curl**0.5) if curl > rest else None,
                own=_rounded(own**0.5) if own > seen * rest else None,
                motion_db=motion_db,
            )
        )
    return tuple(channels)


def _motion_db(ankle: _Part, channel: int, moved: float, resting: float) -> float | None:
    known = ankle.motion[:, channel][np.isfinite(ankle.motion[:, channel])]
    if not len(known) or moved <= resting:
        return None
    return round(float(10.0 * np.log10(np.mean(known) / moved + 1e-9)), 1)


def _rounded(amplitude: float) -> float:
    """Return four digits: no more are meant, and an id should not hang on the last bit of a sum."""
    return float(f"{amplitude:.4g}")
