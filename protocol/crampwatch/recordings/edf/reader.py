"""Reading EDF, EDF+, BDF and BDF+ files.

Why crampwatch reads the data records itself: docs/decisions/0004-edf-record-by-record.md.
"""

import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat, StreamDescription
from crampwatch.recordings.channel_choice import Candidate, Choice, choose, find_temperature
from crampwatch.recordings.edf.header import EdfSignal
from crampwatch.recordings.edf.layout import EdfLayout, Scale, locate_samples, sample_blocks
from crampwatch.recordings.edf.mark import MISSING_16, MISSING_24, decode_mark
from crampwatch.recordings.format import ReadOptions
from crampwatch.recordings.limits import check_length, check_rate
from crampwatch.recordings.recording import Recording, Temperature, describe_stream
from crampwatch.recordings.units import to_celsius, uv_per_unit

__all__ = ["read_edf"]

_FASTEST_TEMPERATURE_HZ = 16.0
"""Skin temperature changes over minutes; a faster channel is thinned out to at most this rate."""
_BAND_FLAGS = re.ASCII | re.IGNORECASE
_NANOSECONDS = 1_000_000_000


def read_edf(path: Path, options: ReadOptions) -> Recording:
    """Open a file; of a truncated one, everything up to its last complete data record is read, with a warning.

    Raises:
        RecordingError: It is damaged beyond use.
        ConfigurationError: The options do not fit it.
    """
    try:
        return _open(locate_samples(path), options)
    except CrampwatchError as error:
        raise type(error)(f"{path}: {error.message}", advice=error.advice) from error


def _open(layout: EdfLayout, options: ReadOptions) -> Recording:
    choice = _choose_signals(layout, options)
    signals = [layout.header.signals[i] for i in choice.indices]
    stated_hz = signals[0].samples_per_record / layout.header.record_s
    rate_hz = options.rate_hz or check_rate(stated_hz, repr(signals[0].label))
    mark = decode_mark(layout.header.recording)
    # Our own files state how many samples precede the padding of the last record.
    length = int(layout.starts(signals[0].samples_per_record)[-1])
    count = check_length(min(length, mark.sample_count or length), rate_hz, "The file")
    scales, known = _scales_of(signals, options.scale_uv)
    step = max(abs(scale.slope) for scale in scales)
    return Recording(
        stream=_stream(layout, signals, rate_hz, step if known else math.nan),
        blocks=partial(sample_blocks, layout, choice.indices, scales, missing=_missing_count(layout), stop_index=count),
        origin=Origin.DEMO if mark.is_simulated else Origin.REPLAY,
        source_text=_source_text(layout, choice, step if known else math.nan),
        start_utc_ns=_start_utc_ns(layout),
        sample_count=count,
        temperature=_temperature(layout),
        value_step=step,
        warnings=layout.warnings,
    )


def _choose_signals(layout: EdfLayout, options: ReadOptions) -> Choice:
    """Choose among the signals that hold samples; the indices returned are positions in the file."""
    positions = _sample_signals(layout)
    choice = choose([_candidate(layout, i) for i in positions], options.channels)
    return Choice(tuple(positions[i] for i in choice.indices), choice.reason)


def _sample_signals(layout: EdfLayout) -> list[int]:
    return [i for i, signal in enumerate(layout.header.signals) if not signal.is_annotations]


def _candidate(layout: EdfLayout, index: int) -> Candidate:
    signal = layout.header.signals[index]
    return Candidate(signal.label, signal.unit, signal.samples_per_record / layout.header.record_s)


def _scales_of(signals: Sequence[EdfSignal], scale_uv: float | None) -> tuple[list[Scale], bool]:
    """Return how to scale counts to microvolts, or to the units of the file if the scale of any signal is unknown."""
    factors = [scale_uv or uv_per_unit(signal.unit) for signal in signals]
    known = all(
        factor is not None and math.isfinite(signal.unit_per_count)
        for factor, signal in zip(factors, signals, strict=True)
    )
    return [
        _scale_of(signal, (factor or 1.0) if known else 1.0) for signal, factor in zip(signals, factors, strict=True)
    ], known


def _scale_of(signal: EdfSignal, factor: float) -> Scale:
    slope, offset = signal.unit_per_count, signal.unit_at_zero
    if not (math.isfinite(slope) and math.isfinite(offset)):
        return Scale(1.0, 0.0)
    return Scale(slope * factor, offset * factor)


def _missing_count(layout: EdfLayout) -> int | None:
    if not decode_mark(layout.header.recording).is_ours:
        return None
    return MISSING_24 if layout.header.is_bdf else MISSING_16


def _stream(layout: EdfLayout, signals: Sequence[EdfSignal], rate_hz: float, lsb_uv: float) -> StreamDescription:
    return describe_stream(
        labels=[signal.label for signal in signals],
        rate_hz=rate_hz,
        lsb_uv=lsb_uv,
        sample_format=SampleFormat.INT24 if layout.header.is_bdf else SampleFormat.INT16,
        band_hz=_band(signals[0].prefilter, rate_hz),
    )


def _band(prefilter: str, rate_hz: float) -> tuple[float, float]:
    """Return the pass band from text such as `HP:10Hz LP:500Hz`; a corner that is not stated is wide open."""
    low, high = (re.search(rf"\b{name}:? *(\d+(?:\.\d+)?)", prefilter, _BAND_FLAGS) for name in ("HP", "LP"))
    low_hz = float(low[1]) if low else 0.0
    high_hz = min(float(high[1]), rate_hz / 2) if high else rate_hz / 2
    return (low_hz, high_hz) if low_hz < high_hz else (0.0, rate_hz / 2)


def _start_utc_ns(layout: EdfLayout) -> int | None:
    start = layout.header.start
    if start is None:
        return None
    return round(start.timestamp()) * _NANOSECONDS + round(layout.onset_s * _NANOSECONDS)


def _temperature(layout: EdfLayout) -> Temperature | None:
    positions = _sample_signals(layout)
    position = find_temperature([_candidate(layout, i) for i in positions])
    if position is None:
        return None
    signal = layout.header.signals[positions[position]]
    rate_hz = signal.samples_per_record / layout.header.record_s
    if not signal.samples_per_record:
        return None
    stride = max(1, math.ceil(rate_hz / _FASTEST_TEMPERATURE_HZ))
    blocks = sample_blocks(
        layout,
        [positions[position]],
        [_scale_of(signal, 1.0)],
        missing=_missing_count(layout),
        stop_index=int(layout.starts(signal.samples_per_record)[-1]),
    )
    pieces, at = [], 0
    for block in blocks:
        pieces.append(block[-at % stride :: stride, 0])
        at += len(block)
    return Temperature(to_celsius(np.concatenate(pieces), signal.unit), rate_hz / stride)


def _source_text(layout: EdfLayout, choice: Choice, lsb_uv: float) -> str:
    header = layout.header
    labels = ", ".join(repr(header.signals[i].label) for i in choice.indices)
    scale = f"{lsb_uv:.4g} uV per count" if math.isfinite(lsb_uv) else "unknown scale, relative units"
    start = "" if header.start is None else "; its clock time is assumed to be UTC"
    mark = "; simulated" if decode_mark(header.recording).is_simulated else ""
    return f"{layout.path}, {header.format_name}, {labels} ({choice.reason}), {scale}{start}{mark}"
