"""Writing NumPy archives block by block, with the arrays that `reader` describes."""

import io
import zipfile
from typing import BinaryIO

import numpy as np
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.recordings.format import Progress
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording
from numpy.typing import NDArray

__all__ = ["write_npz"]


def write_npz(file: BinaryIO, recording: Recording, *, progress: Progress | None = None) -> None:
    """Write a recording as an uncompressed archive, `emg` as 32-bit floats in microvolts.

    Raises:
        ConfigurationError: The recording's scale is unknown.
        RecordingError: The recording is empty, or does not have as many samples as it states.
    """
    if not recording.stream.has_scale:
        raise ConfigurationError(
            "An .npz recording holds microvolts, and the scale of this one is unknown.",
            advice="Give the scale with --scale, or write EDF or CSV.",
        )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write_emg(archive, recording, progress)
        for name, array in _small_arrays(recording).items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", raw.getvalue())


def _write_emg(archive: zipfile.ZipFile, recording: Recording, progress: Progress | None) -> None:
    count = recording.sample_count or sum(len(chunk) for chunk in recording.chunks(BLOCK_SAMPLES))
    done = 0
    shape = (count, recording.stream.channels)
    with archive.open("emg.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for chunk in recording.chunks(BLOCK_SAMPLES):
            member.write(chunk.astype("<f4").tobytes())
            done += len(chunk)
            if progress is not None:
                progress(done, count)
    if done != count or not count:
        raise RecordingError(f"{recording.source_text} states {count} samples and has {done}.")


def _small_arrays(recording: Recording) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {
        "rate_hz": np.array(recording.stream.rate_hz),
        "labels": np.array(recording.stream.labels, dtype=np.str_),
        "origin": np.array(str(recording.origin)),
    }
    if recording.start_utc_ns is not None:
        arrays["start_utc_ns"] = np.array(recording.start_utc_ns, np.int64)
    if recording.temperature is not None:
        arrays["temp_c"], arrays["temp_rate_hz"] = (
            recording.temperature.values_c,
            np.array(recording.temperature.rate_hz),
        )
    return arrays
