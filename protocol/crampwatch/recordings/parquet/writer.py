"""Writing Parquet one row group at a time, through pyarrow, an optional dependency."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.format import Progress
from crampwatch.recordings.recording import Recording, Samples
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

__all__ = ["write_parquet"]

_GROUP_SAMPLES: Final = 262_144
"""Rows held at once: four minutes at 1 kHz, 7 MB of two channels."""
_KEY: Final = "crampwatch"
"""Key of the JSON in the metadata of the file."""
_TEMPERATURE: Final = "temperature_degC"


def write_parquet(
    file: BinaryIO,
    recording: Recording,
    *,
    annotations: Sequence[Annotation] = (),
    progress: Progress | None = None,
) -> None:
    """Write a recording as Parquet: one row per sample, null where a sample is missing.

    The columns are `sample`, `time` (UTC, if the start is known), one per channel, and the skin temperature if there is
    one, each value repeated until the next. The metadata of a column states its unit; that of the file holds origin,
    rate, sensor and annotations as JSON.

    Args:
        file: Written from its present position on.
        recording: Read twice if it does not state its length.
        annotations: Stored in the metadata of the file.
        progress: Called with the samples written and the total.

    Raises:
        ConfigurationError: pyarrow is not installed.
        RecordingError: The recording is empty, or does not have as many samples as it states.
    """
    parquet = _import_parquet()
    count = recording.sample_count or sum(len(chunk) for chunk in recording.chunks(_GROUP_SAMPLES))
    if not count:
        raise RecordingError(f"There is nothing to write: {recording.source_text} has no samples.")
    schema = _schema(recording, count, annotations)
    counters = [name for name in schema.names if name in ("sample", "time")]
    done = 0
    with parquet.ParquetWriter(
        file,
        schema,
        compression="zstd",
        # A converter delivers few distinct values; columns that only count up take next to nothing as differences.
        use_dictionary=[name for name in schema.names if name not in counters],
        column_encoding=dict.fromkeys(counters, "DELTA_BINARY_PACKED"),
    ) as writer:
        for chunk in recording.chunks(_GROUP_SAMPLES):
            writer.write_batch(_batch(schema, recording, chunk, done))
            done += len(chunk)
            if progress is not None:
                progress(done, count)
    if done != count:
        raise RecordingError(f"{recording.source_text} states {count} samples and has {done}.")


def _import_parquet() -> Any:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - an optional dependency, and slow to import
    except ImportError as error:
        raise ConfigurationError(
            "Writing Parquet needs pyarrow, which is not installed.",
            advice="Install it where crampwatch is: pip install 'crampwatch[parquet]' or pip install pyarrow. "
            "EDF, CSV and NumPy need no further package.",
        ) from error
    return pyarrow.parquet


def _schema(recording: Recording, count: int, annotations: Sequence[Annotation]) -> "pyarrow.Schema":
    import pyarrow as pa  # noqa: PLC0415 - see above

    fields = [pa.field("sample", pa.int64(), nullable=False)]
    if recording.start_utc_ns is not None:
        fields.append(pa.field("time", pa.timestamp("ns", "UTC"), nullable=False))
    unit = "uV" if recording.stream.has_scale else "relative"
    for name, label in zip(_column_names(recording), recording.stream.labels, strict=True):
        fields.append(pa.field(name, pa.float32(), metadata={"unit": unit, "label": label}))
    if recording.temperature is not None:
        fields.append(pa.field(_TEMPERATURE, pa.float32(), metadata={"unit": "degC"}))
    return pa.schema(fields, metadata={_KEY: json.dumps(_metadata(recording, count, annotations))})


def _column_names(recording: Recording) -> list[str]:
    """Return a unique name for each channel, as in CSV if labels are unique."""
    end = "_uV" if recording.stream.has_scale else ""
    labels = recording.stream.labels
    alike = len(set(labels)) < len(labels)
    return [f"{label}{f' {number}' if alike else ''}{end}" for number, label in enumerate(labels, 1)]


def _metadata(recording: Recording, count: int, annotations: Sequence[Annotation]) -> dict[str, Any]:
    is_simulated = recording.origin is Origin.DEMO
    return {
        "origin": str(recording.origin),
        "simulated": is_simulated,
        "about": ("Simulated data. " if is_simulated else "") + "Missing samples are null. Not a medical device.",
        "sensor": recording.sensor,
        "rate_hz": recording.stream.rate_hz,
        "band_hz": recording.stream.band_hz,
        "samples": count,
        "start_utc_ns": recording.start_utc_ns,
        "annotations": [asdict(annotation) for annotation in annotations],
    }


def _batch(schema: "pyarrow.Schema", recording: Recording, chunk: Samples, first: int) -> "pyarrow.RecordBatch":
    import pyarrow as pa  # noqa: PLC0415 - see above

    at = first + np.arange(len(chunk), dtype=np.int64)
    columns = [pa.array(at)]
    if recording.start_utc_ns is not None:
        times_ns = recording.start_utc_ns + np.rint(at * (1e9 / recording.stream.rate_hz)).astype(np.int64)
        columns.append(pa.array(times_ns).cast(pa.timestamp("ns", "UTC")))
    columns += [_nullable(chunk[:, channel]) for channel in range(chunk.shape[1])]
    if recording.temperature is not None:
        columns.append(_nullable(_held_temperature(recording, at)))
    return pa.record_batch(columns, schema=schema)


def _nullable(values: Samples) -> "pyarrow.Array":
    import pyarrow as pa  # noqa: PLC0415 - see above

    return pa.array(values.astype(np.float32), mask=~np.isfinite(values))


def _held_temperature(recording: Recording, at: NDArray[np.int64]) -> Samples:
    """Return the temperature at samples, each value held until the next."""
    assert recording.temperature is not None
    values, rate_hz = recording.temperature
    index = np.floor(at * (rate_hz / recording.stream.rate_hz) + 1e-6).astype(np.int64)
    if not len(values):
        return np.full(len(at), math.nan)
    return np.where(index < len(values), values[np.minimum(index, len(values) - 1)], math.nan)
