"""Builds a personal calibration from a minute of signal, or refuses to build one that would mislead. No I/O.

The wearer rests, curls the toes three times as hard as possible, and moves the ankle; `Segment` says when. From that
follow, for each channel,

- the power at rest: the median over the hops of the rest phase;
- the wearer's own amplitude, the reference for "so many percent of your own hardest effort": the strongest second of
  the toe curls above rest, or of the moving ankle where that is stronger, and is muscle rather than electrode motion;
- how much slow motion the ankle causes for a given amount of muscle.

All of it is measured by the detector's own filters and quality checks, hop by hop, so that the figures can be compared
with what the detector measures at night.

A wrong calibration is worse than none: too large a reference makes a cramp look weak. So a calibration is refused

1. if the signal ends before a phase does, or a phase is too short without the second of reaction at each end;
2. if the electrodes have no contact for more than a fifth of the rest, or the amplifier was at its limit in the curls;
3. if the rest was not calm: then its median is not the resting level;
4. if the curls do not stand out from rest, or too briefly;
5. if most of the curls' signal is slower than muscle: then the cable was moved.
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
    with_id,
)
from crampwatch.detector.model.events import QUALITY_BITS
from crampwatch.detector.signal.grid import Framer, Grid
from crampwatch.detector.signal.measures import Measurer
from crampwatch.detector.signal.quality import BLOCKING_BITS, QualityGate
from crampwatch.detector.signal.side_by_side import PendingFrame, measure_together
from crampwatch.protocol.kinds import Quality
from crampwatch.protocol.stream import StreamDescription
from numpy.typing import NDArray

__all__ = ["UNKNOWN_PLACEMENT", "CalibrationBuilder", "Segment", "SensorPlacement"]

Array = NDArray[np.float64]

_LONGEST_S = 600.0  # of signal that is kept: ten times a calibration, so that the wearer may start over
_LONGEST_GAP_S = 5.0  # a longer gap starts the filters again, instead of walking them through it hop by hop
_REACTION_S = 1.0  # a person needs this long to begin and to let go; what is in between belongs to no phase
_SHORTEST_S = 4.0  # of a phase, without the time to react: forty hops
_STRONGEST_S = 1.0  # the usual window for the amplitude of a maximal voluntary contraction
_SEEN_DB = 10.0  # below, more than a tenth of the power attributed to muscle would be rest
_CALM_DB = 9.0  # 90th over 10th percentile of the power: 5 dB in noise at 200 Hz, with room for a heart
_LOST_SHARE = 0.2  # of the rest without usable signal: a dry electrode loses contact for moments, a loose one longer
_CLIPPED_SHARE = 0.1  # of the curls at the amplifier's limit: their strongest second could be among it
_CURLING_S = 1.5  # of three curls of three seconds: half a second each is the least that counts as curling
_CURLING_POWER = 4.0  # times the power at rest, 6 dB: the level at which the detector sees activity begin
_MOTION_DB = 13.0  # twenty times more slow waves than muscle: the cable was moved, not the toes
_VALID_AFTER_S = 10.0  # time for a running detector to load it: live and final run switch at the same sample
_CLIPPED_BITS = QUALITY_BITS[Quality.CLIPPED] | QUALITY_BITS[Quality.RAIL]


class Segment(NamedTuple):
    """When a phase lasted, from one sample index to another, the latter not included."""

    phase: Phase
    start_index: int
    stop_index: int


class SensorPlacement(NamedTuple):
    """Which sensor recorded the signal, where it is worn, and in which of its boots; see `Calibration`."""

    sensor: str = ""
    side: Literal["left", "right", "unknown"] = "unknown"
    muscle: str = ""
    boot_id: int = 0


UNKNOWN_PLACEMENT: Final = SensorPlacement()
"""For a recording that does not state it."""


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


class CalibrationBuilder:
    """Measures a signal block by block, and builds a calibration from its last ten minutes.

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
        """Measure a block; samples that were pushed before are skipped, and after a long gap the filters start again.

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
        """Return the RMS of the last 0.3 s or so, NaN where there is no signal; (channels,)."""
        recent = [part.power for _, part in self._parts[-3:]]
        if not recent:
            return np.full(self.stream.channels, np.nan)
        power: Array = np.sqrt(np.concatenate(recent)[-3:].mean(axis=0))
        return power

    def build(
        self, segments: Sequence[Segment], *, placement: SensorPlacement = UNKNOWN_PLACEMENT, made_ns: int = 0
    ) -> Calibration:
        """Return the calibration of the signal that was pushed.

        Args:
            segments: When the wearer rested, curled the toes, and moved the ankle; the ankle may be left out.
            placement: Sensor, side and muscle to record in the calibration.
            made_ns: UTC of the end of the last segment.

        Raises:
            CalibrationRefusedError: The calibration would mislead; the message says why.
        """
        _check_ends(segments, self.next_index)
        phases = {phase: self._hops_of_phase(segments, phase) for phase in Phase}
        rest, curl, ankle = (phases[phase] for phase in Phase)
        _check_length(phases, self._grid)
        _check_contact(rest, curl)
        resting = _check_rest(rest)
        curled = self._strongest_second(curl, resting)
        _check_curl(curl, resting, curled, self._grid)
        moved = self._strongest_second(ankle, resting) if len(ankle.power) else np.zeros_like(resting)
        last = max(segment.stop_index for segment in segments)
        calibration = Calibration(
            sensor=placement.sensor,
            side=placement.side,
            muscle=placement.muscle,
            made_ns=made_ns,
            boot_id=placement.boot_id,
            stream=self.stream.stream,
            valid_from_index=last + round(_VALID_AFTER_S * self.stream.rate_hz),
            rate_hz=self.stream.rate_hz,
            unit="uV" if self.stream.has_scale else "relative",
            lsb_uv=self.stream.lsb_uv if self.stream.has_scale else None,
            channels=_calibrate_channels(resting, curled, moved, ankle),
        )
        return with_id(calibration)

    def _hops_of_phase(self, segments: Sequence[Segment], phase: Phase) -> _Part:
        """Return the hops within the segments of a phase, without the time that a person needs to react."""
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

    def _strongest_second(self, part: _Part, resting: Array) -> Array:
        """Return the mean power of the strongest second of each channel, less the power at rest."""
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
                advice="Give the times at which each phase really started and ended.",
            )


def _check_length(phases: dict[Phase, _Part], grid: Grid) -> None:
    for phase in (Phase.REST, Phase.CURL):
        seconds = len(phases[phase].power) * grid.hop_s
        if seconds < _SHORTEST_S:
            raise CalibrationRefusedError(
                f"Only {seconds:.1f} s of the phase {phase!s} are usable ({_REACTION_S:g} s is trimmed at each end); "
                f"{_SHORTEST_S:g} s are needed.",
                advice="Make the phase longer, and keep the sensor in range meanwhile.",
            )


def _check_contact(rest: _Part, curl: _Part) -> None:
    lost = ((rest.bits & BLOCKING_BITS) != 0) | ~np.isfinite(rest.power) | (np.nan_to_num(rest.power) <= 0.0)
    for channel, share in enumerate(lost.mean(axis=0).tolist()):
        if share > _LOST_SHARE:
            raise CalibrationRefusedError(
                f"The contact of channel {channel + 1} is bad: {share:.0%} of the rest has no usable signal.",
                advice="Press the electrodes on, moisten or replace them, and calibrate again.",
            )
    clipped = ((curl.bits & _CLIPPED_BITS) != 0).mean(axis=0)
    if clipped.max() > _CLIPPED_SHARE:
        raise CalibrationRefusedError(
            f"Channel {int(clipped.argmax()) + 1} was at its limit for {clipped.max():.0%} of the toe curls, so their "
            "strength is unknown.",
            advice="Fasten the cable so that it cannot move, or curl a little less hard, and calibrate again.",
        )


def _check_rest(rest: _Part) -> Array:
    """Return the power at rest of each channel."""
    known = np.where(((rest.bits & BLOCKING_BITS) == 0) & (rest.power > 0), rest.power, np.nan)
    low, middle, high = np.nanquantile(known, (0.1, 0.5, 0.9), axis=0)
    for channel, spread_db in enumerate((10.0 * np.log10(high / low)).tolist()):
        if spread_db > _CALM_DB:
            raise CalibrationRefusedError(
                f"The rest was not calm: channel {channel + 1} varied by {spread_db:.0f} dB; at most {_CALM_DB:g} dB "
                "are expected.",
                advice="Lie down, let the foot hang loose, keep it still, and calibrate again.",
            )
    return np.asarray(middle)


def _check_curl(curl: _Part, resting: Array, curled: Array, grid: Grid) -> None:
    over_db = 10.0 * np.log10(curled / resting + 1e-9)
    best = int(over_db.argmax())
    active_s = float((np.nan_to_num(curl.power[:, best]) > _CURLING_POWER * resting[best]).sum()) * grid.hop_s
    if over_db[best] < _SEEN_DB or active_s < _CURLING_S:
        raise CalibrationRefusedError(
            f"The toe curls were not seen: the strongest second was {max(over_db[best], 0.0):.0f} dB above rest, and "
            f"{active_s:.1f} s were active in all; {_SEEN_DB:g} dB and {_CURLING_S:g} s are needed.",
            advice="Curl the toes as hard as you can without pain, three seconds each time, and place the electrodes "
            "over the muscle that bulges.",
        )
    motion_db = 10.0 * np.log10(np.nanmedian(curl.motion[:, best]) / curled[best] + 1e-9)
    if motion_db > _MOTION_DB:
        raise CalibrationRefusedError(
            f"The signal of the toe curls is mostly motion of the electrodes, {motion_db:.0f} dB above the muscle.",
            advice="Fasten sensor and cable with tape, and calibrate again.",
        )


def _calibrate_channels(resting: Array, curled: Array, moved: Array, ankle: _Part) -> tuple[ChannelCalibration, ...]:
    seen = 10.0 ** (_SEEN_DB / 10.0)
    channels = []
    for channel, (rest, curl, turn) in enumerate(zip(resting.tolist(), curled.tolist(), moved.tolist(), strict=True)):
        motion_db = _motion_db(ankle, channel, turn, rest)
        is_muscle = motion_db is not None and motion_db <= _MOTION_DB
        own = max(curl, turn) if is_muscle else curl
        channels.append(
            ChannelCalibration(
                rest=_round_to_4_digits(rest**0.5),
                curl=_round_to_4_digits(curl**0.5) if curl > rest else None,
                own=_round_to_4_digits(own**0.5) if own > seen * rest else None,
                motion_db=motion_db,
            )
        )
    return tuple(channels)


def _motion_db(ankle: _Part, channel: int, moved: float, resting: float) -> float | None:
    known = ankle.motion[:, channel][np.isfinite(ankle.motion[:, channel])]
    if not len(known) or moved <= resting:
        return None
    return round(float(10.0 * np.log10(np.mean(known) / moved + 1e-9)), 1)


def _round_to_4_digits(amplitude: float) -> float:
    """Return an amplitude to four digits: it is not more exact, and the id must not depend on the last bit of a sum."""
    return float(f"{amplitude:.4g}")
