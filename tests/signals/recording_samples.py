"""Small recordings in every format, and a function that reads one to its end."""

import io
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.recordings import Recording
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.edf.header import EdfHeader, EdfSignal, encode_header
from crampwatch.recordings.edf.tal import encode_tal
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

Content = NDArray[np.int16] | float
RATE_HZ = 200.0
MOST_CHUNKS = 50


def samples_of(recording: Recording, chunk_samples: int = 997) -> NDArray[np.float64]:
    """Read all samples of a recording; of a damaged one that claims absurdly many, a limited number."""
    chunks = list(itertools.islice(recording.chunks(chunk_samples), MOST_CHUNKS * 100))
    return np.concatenate([np.empty((0, recording.stream.channels)), *chunks])


def edf_signal(label: str = "EMG left", unit: str = "uV", samples: int = 200, limit: int = 32_767) -> EdfSignal:
    """Describe a signal with one unit per count."""
    return EdfSignal(label, unit, -limit, limit, -limit, limit, samples)


def edf_bytes(
    signals: Sequence[EdfSignal],
    records: Sequence[Sequence[Content]],
    *,
    reserved: str = "",
    record_count: int | None = None,
    recording: str = "Startdate 02-MAR-2024 X X X",
    start: datetime | None = datetime(2024, 3, 2, 23, 15, 4, tzinfo=UTC),
) -> bytes:
    """Return an EDF file; a number instead of samples is the start of the record, in an annotations signal."""
    header = EdfHeader(
        is_bdf=False,
        patient="X X X X",
        recording=recording,
        start=start,
        reserved=reserved,
        record_count=len(records) if record_count is None else record_count,
        record_s=1.0,
        signals=tuple(signals),
    )
    body = b""
    for record in records:
        for signal, content in zip(signals, record, strict=True):
            if isinstance(content, float):
                body += encode_tal(Annotation(content, None, "")).ljust(2 * signal.samples_per_record, b"\0")
            else:
                body += content.astype("<i2").tobytes()
    return encode_header(header) + body


def npz_bytes(**arrays: object) -> bytes:
    """Return a NumPy archive."""
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # anything an array can be made of
    return file.getvalue()


def wfdb_record(folder: Path, counts: NDArray[np.int16], *, header: str | None = None, name: str = "night") -> Path:
    """Write a record in format 16 and return the path of its header."""
    (folder / f"{name}.dat").write_bytes(counts.astype("<i2").tobytes())
    lines = [f"{name} {counts.shape[1]} {RATE_HZ:g} {len(counts)}"]
    for channel in range(counts.shape[1]):
        total = int(np.sum(counts[:, channel], dtype=np.int64)) % 65_536
        checksum = total - 65_536 if total >= 32_768 else total
        lines.append(f"{name}.dat 16 2(5)/uV 16 0 {counts[0, channel]} {checksum} 0 EMG {channel + 1}")
    path = folder / f"{name}.hea"
    path.write_text(header if header is not None else "\n".join(lines) + "\n")
    return path


class ArraySource:
    """A signal source that plays an array: two channels at 1 kHz with a step of 0.25 uV."""

    def __init__(self, samples_uv: NDArray[np.float64], *, rate_hz: float = 1000.0, temperature_rate_hz: float = 1.0):
        self._samples_uv = samples_uv
        self.temperature_rate_hz = temperature_rate_hz
        self.stream = StreamDescription(
            stream=1,
            kind=StreamKind.EMG,
            channels=samples_uv.shape[1],
            format=SampleFormat.INT16,
            rate_hz=rate_hz,
            lsb=0.25e-6,
            band_hz=(10.0, 0.45 * rate_hz),
            labels=tuple(f"EMG {number}" for number in range(1, samples_uv.shape[1] + 1)),
        )

    @property
    def duration_samples(self) -> int | None:
        """Length of the array."""
        return len(self._samples_uv)

    @property
    def truth(self) -> tuple[TruthEvent, ...]:
        """One cramp, unrelated to the samples."""
        return (TruthEvent(EpisodeKind.CRAMP, "onset while asleep", 0.25, 0.75, (1, 0), 180.5, 21.0),)

    def read(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return a piece of the array."""
        return self._samples_uv[first_index : first_index + count].copy()

    def temperature_c(self, first_index: int, count: int) -> NDArray[np.float64]:
        """Return a temperature that falls by a tenth each sample."""
        return 31.0 - 0.1 * np.arange(first_index, first_index + count, dtype=np.float64)

    def contact(self, t_s: float) -> tuple[bool, ...]:
        """Return contact on all channels."""
        del t_s
        return (True,) * self.stream.channels
