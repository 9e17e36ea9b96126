"""Reading WFDB records (PhysioNet): a text header and binary signal files beside it.

Why not through the `wfdb` package: docs/decisions/0005-wfdb-without-the-library.md.
"""

import logging
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from crampwatch.protocol.errors import CrampwatchError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings.channel_choice import Candidate, choose
from crampwatch.recordings.format import ReadOptions
from crampwatch.recordings.limits import check_length, check_rate
from crampwatch.recordings.recording import Recording, describe_stream
from crampwatch.recordings.units import uv_per_unit
from crampwatch.recordings.wfdb.header import WfdbHeader, WfdbSignal, decode_header
from crampwatch.recordings.wfdb.layout import compare_with_checksums, locate_samples, sample_blocks

__all__ = ["read_wfdb"]

_LONGEST_HEADER_BYTES = 1 << 20

_log = logging.getLogger(__name__)


def read_wfdb(path: Path, options: ReadOptions) -> Recording:
    """Open a record by its header or a signal file beside it; samples are compared with the header's checksums.

    Raises:
        RecordingError: It is damaged beyond use or stored in a way that is not read.
        ConfigurationError: The options do not fit it.
    """
    header_path = path.with_suffix(".hea") if path.suffix.lower() == ".dat" else path
    try:
        recording = _open(header_path, options)
    except CrampwatchError as error:
        raise type(error)(f"{header_path}: {error.message}", advice=error.advice) from error
    for warning in recording.warnings:
        _log.warning("%s: %s", header_path, warning)
    return recording


def _open(path: Path, options: ReadOptions) -> Recording:
    header = _read_header(path)
    choice = choose([_candidate(header, signal) for signal in header.signals], options.channels)
    layout = locate_samples(path, header, choice.indices)
    rate_hz = options.rate_hz or check_rate(_candidate(header, layout.signals[0]).rate_hz, "The header")
    count = check_length(layout.frames * layout.signals[0].samples_per_frame, rate_hz, "The record")
    scales, known = _scales_of(layout.signals, options.scale_uv)
    step = max(map(abs, scales))
    labels = [signal.label for signal in layout.signals]
    scale = f"{step:.4g} uV per count" if known else "unknown scale, relative units"
    is_wide = any(signal.format in {24, 32} for signal in layout.signals)
    return Recording(
        stream=describe_stream(
            labels=labels,
            rate_hz=rate_hz,
            lsb_uv=step if known else math.nan,
            sample_format=SampleFormat.INT24 if is_wide else SampleFormat.INT16,
        ),
        blocks=partial(sample_blocks, layout, scales, [signal.baseline for signal in layout.signals]),
        origin=Origin.REPLAY,
        source_text=f"{path}, WFDB, {', '.join(map(repr, labels))} ({choice.reason}), {scale}",
        start_utc_ns=None if header.start is None else round(header.start.timestamp() * 1e6) * 1000,
        sample_count=count,
        value_step=step,
        warnings=(*layout.warnings, *compare_with_checksums(layout, header)),
    )


def _read_header(path: Path) -> WfdbHeader:
    with path.open("rb") as file:
        raw = file.read(_LONGEST_HEADER_BYTES + 1)
    if len(raw) > _LONGEST_HEADER_BYTES:
        raise RecordingError("The WFDB header is larger than a megabyte.", advice="Name the .hea file.")
    try:
        return decode_header(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return decode_header(raw.decode("latin-1"))


def _candidate(header: WfdbHeader, signal: WfdbSignal) -> Candidate:
    return Candidate(signal.label, signal.unit, header.rate_hz * signal.samples_per_frame)


def _scales_of(signals: Sequence[WfdbSignal], scale_uv: float | None) -> tuple[list[float], bool]:
    """Return microvolts per count and whether the scale is known; else units of the file per count."""
    # Without calibration the unit of the file is the count itself.
    units = [1.0 if math.isnan(signal.gain) else 1.0 / signal.gain for signal in signals]
    factors = [scale_uv or uv_per_unit(signal.unit) for signal in signals]
    if any(factor is None for factor in factors):
        return units, False
    return [unit * (factor or 1.0) for unit, factor in zip(units, factors, strict=True)], True
