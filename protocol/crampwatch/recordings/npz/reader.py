"""Reading NumPy archives, streamed from the zip file instead of loaded.

Required arrays are `emg` (samples x channels, microvolts, NaN where missing; a single channel may be
one-dimensional) and `rate_hz`; optional are `labels`, `temp_c` with `temp_rate_hz`, `start_utc_ns` and `origin`.

`numpy.load` would decompress all of `emg` into memory. Instead its header is decoded and the values are read block by
block through `zipfile`. Arrays in Fortran order (all samples of a channel together, as MATLAB users write them) are
read through one handle per channel.
"""

import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from crampwatch.protocol.errors import CrampwatchError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings.channel_choice import Candidate, choose
from crampwatch.recordings.format import ReadOptions
from crampwatch.recordings.limits import MOST_CHANNELS, check_length, check_rate
from crampwatch.recordings.recording import BLOCK_SAMPLES, Recording, Samples, Temperature, describe_stream
from crampwatch.recordings.value_step import FINEST_STEP_UV, value_step
from numpy.typing import NDArray

__all__ = ["is_npz", "read_npz"]

_ZIP = b"PK\x03\x04"
_MOST_SMALL_BYTES = 64 << 20
"""Limit of every array but `emg`, which are loaded: a month of temperature at 1 Hz takes 21 MB."""
_MOST_HEADER_BYTES = 65_536
"""NumPy parses an array header with a Python parser, which must not be given megabytes."""
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    OverflowError,
)
"""What zipfile and NumPy raise on damaged archives; an encrypted one is a RuntimeError."""
_EXPECTED = "Write it with numpy.savez(path, emg=samples_by_channels_in_uv, rate_hz=1000.0)."


def is_npz(head: bytes, path: Path) -> bool:
    """Return whether a file is a zip archive that begins with an array, or is at least named .npz."""
    first_member = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head.startswith(_ZIP) and (first_member.endswith(b".npy") or path.suffix.lower() == ".npz")


def read_npz(path: Path, options: ReadOptions) -> Recording:
    """Open an archive.

    Raises:
        RecordingError: It is damaged, or lacks an array that is needed.
        ConfigurationError: The options do not fit it.
    """
    try:
        return _open(path, options)
    except CrampwatchError as error:
        raise type(error)(f"{path}: {error.message}", advice=error.advice) from error
    except _DAMAGED as error:
        raise _damaged_error(path, error) from error


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The array `emg`, as its header describes it.

    Attributes:
        path: The archive.
        shape: Samples and channels.
        by_channel: Whether all samples of one channel are stored together (Fortran order).
        dtype: Type of the values.
        offset: Bytes before the first value.
    """

    path: Path
    shape: tuple[int, int]
    by_channel: bool
    dtype: np.dtype[np.generic]
    offset: int


def _open(path: Path, options: ReadOptions) -> Recording:
    with zipfile.ZipFile(path) as archive:
        matrix = _locate_emg(path, archive)
        fields = {name: _load_small(archive, name) for name in ("rate_hz", "labels", "temp_c", "temp_rate_hz")}
        start, origin = _load_small(archive, "start_utc_ns"), _load_small(archive, "origin")
    rate_hz = options.rate_hz or check_rate(_to_number(fields["rate_hz"], "rate_hz"), "`rate_hz`")
    labels = _to_labels(fields["labels"], matrix.shape[1])
    # All columns of `emg` are EMG, whatever their labels.
    requested = options.channels if options.channels is not None else range(1, len(labels) + 1)
    choice = choose([Candidate(label, "uV", rate_hz) for label in labels], requested)
    count = check_length(matrix.shape[0], rate_hz, "`emg`")
    blocks = partial(_blocks, matrix, choice.indices, options.scale_uv or 1.0)
    step = value_step(next(blocks()), finest=FINEST_STEP_UV)
    is_simulated = origin is not None and str(origin.reshape(-1)[:1]).find(Origin.DEMO) >= 0
    chosen = [labels[i] for i in choice.indices]
    return Recording(
        stream=describe_stream(labels=chosen, rate_hz=rate_hz, lsb_uv=step, sample_format=SampleFormat.INT24),
        blocks=blocks,
        origin=Origin.DEMO if is_simulated else Origin.REPLAY,
        source_text=f"{path}, NumPy archive, {', '.join(map(repr, chosen))}, microvolts"
        + ("; simulated" if is_simulated else ""),
        start_utc_ns=None if start is None else _to_start(start),
        sample_count=count,
        temperature=_to_temperature(fields["temp_c"], fields["temp_rate_hz"]),
        value_step=step,
    )


def _locate_emg(path: Path, archive: zipfile.ZipFile) -> _Matrix:
    name = "emg.npy"
    if name not in archive.namelist():
        names = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:20])
        raise RecordingError(f"The archive has no array `emg`; it contains: {names or 'nothing'}.", advice=_EXPECTED)
    with archive.open(name) as file:
        shape, by_channel, dtype = _read_array_header(file)
        offset = file.tell()
    if dtype.kind not in "fiu" or dtype.hasobject:
        raise RecordingError(f"`emg` holds {dtype}, not numbers.", advice=_EXPECTED)
    if len(shape) not in {1, 2} or (len(shape) == 2 and not 1 <= shape[1] <= MOST_CHANNELS):
        raise RecordingError(
            f"`emg` has the shape {shape}; expected samples x channels with at most {MOST_CHANNELS} channels.",
            advice="Transpose it if it is channels x samples.",
        )
    rows, columns = shape if len(shape) == 2 else (shape[0], 1)
    stored = archive.getinfo(name).file_size
    if rows * columns * dtype.itemsize > stored - offset:
        raise RecordingError(f"`emg` claims {rows} samples but is truncated.", advice="Copy or write the file again.")
    return _Matrix(path, (rows, columns), by_channel and columns > 1, dtype, offset)


def _read_array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise RecordingError(f"An array is stored in version {version} of the npy format; 1.0 and 2.0 are read.")
    shape, by_channel, dtype = read(file, max_header_size=_MOST_HEADER_BYTES)
    if any(length < 0 for length in shape):
        raise RecordingError(f"An array claims the shape {shape}.")
    return shape, by_channel, dtype


def _load_small(archive: zipfile.ZipFile, name: str) -> NDArray[np.generic] | None:
    """Load an array; None if the archive has none of that name."""
    member = f"{name}.npy"
    if member not in archive.namelist():
        return None
    if archive.getinfo(member).file_size > _MOST_SMALL_BYTES:
        raise RecordingError(f"`{name}` is larger than {_MOST_SMALL_BYTES >> 20} MB.", advice=_EXPECTED)
    with archive.open(member) as file:
        raw = file.read(_MOST_SMALL_BYTES)
    shape, _, dtype = _read_array_header(io.BytesIO(raw))
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > len(raw):
        raise RecordingError(f"`{name}` holds {dtype} of shape {shape}, which is not read.", advice=_EXPECTED)
    array: NDArray[np.generic] = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    return array


def _to_number(array: NDArray[np.generic] | None, name: str) -> float:
    if array is None or array.size != 1 or array.dtype.kind not in "fiu":
        met = "nothing" if array is None else f"{array.dtype} of shape {array.shape}"
        raise RecordingError(f"`{name}` should be one number and is {met}.", advice=_EXPECTED)
    return float(array.reshape(-1).astype(np.float64)[0])


def _to_start(array: NDArray[np.generic]) -> int:
    if array.size != 1 or array.dtype.kind not in "iu":
        raise RecordingError(f"`start_utc_ns` should be one whole number and is {array.dtype} of shape {array.shape}.")
    return int(array.reshape(-1).astype(np.int64)[0])


def _to_labels(array: NDArray[np.generic] | None, channels: int) -> list[str]:
    if array is None:
        return [f"EMG {number}" for number in range(1, channels + 1)]
    labels = [str(label) for label in array.reshape(-1)[: channels + 1]]
    if len(labels) != channels or array.dtype.kind != "U":
        raise RecordingError(f"`labels` should be {channels} texts and is {array.dtype} of shape {array.shape}.")
    return labels


def _to_temperature(values: NDArray[np.generic] | None, rate: NDArray[np.generic] | None) -> Temperature | None:
    if values is None:
        return None
    rate_hz = _to_number(rate, "temp_rate_hz")
    if values.ndim != 1 or values.dtype.kind not in "fiu" or not 0 < rate_hz <= 1e5:
        raise RecordingError(
            f"`temp_c` is {values.dtype} of shape {values.shape} at {rate_hz:g} Hz; "
            "expected one number per temperature sample and a positive rate.",
            advice=_EXPECTED,
        )
    return Temperature(values.astype(np.float64), rate_hz)


def _blocks(matrix: _Matrix, columns: Sequence[int], scale: float) -> Iterator[Samples]:
    try:
        with zipfile.ZipFile(matrix.path) as archive:
            for block in (
                _channelwise(archive, matrix, columns) if matrix.by_channel else _samplewise(archive, matrix, columns)
            ):
                with np.errstate(all="ignore"):  # a value that overflows is no measurement and becomes missing
                    values = block.astype(np.float64) * scale
                yield values
    except _DAMAGED as error:
        raise _damaged_error(matrix.path, error) from error


def _samplewise(archive: zipfile.ZipFile, matrix: _Matrix, columns: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    rows, width = matrix.shape
    with archive.open("emg.npy") as file:
        file.seek(matrix.offset)
        for first in range(0, rows, BLOCK_SAMPLES):
            block = _read_values(file, min(BLOCK_SAMPLES, rows - first) * width, matrix.dtype)
            yield block.reshape(-1, width)[:, list(columns)]


def _channelwise(archive: zipfile.ZipFile, matrix: _Matrix, columns: Sequence[int]) -> Iterator[NDArray[np.generic]]:
    rows = matrix.shape[0]
    with ExitStack() as stack:
        files = [stack.enter_context(archive.open("emg.npy")) for _ in columns]
        for file, column in zip(files, columns, strict=True):
            file.seek(matrix.offset + column * rows * matrix.dtype.itemsize)
        for first in range(0, rows, BLOCK_SAMPLES):
            count = min(BLOCK_SAMPLES, rows - first)
            yield np.column_stack([_read_values(file, count, matrix.dtype) for file in files])


def _read_values(file: IO[bytes], values: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    raw = file.read(values * dtype.itemsize)
    if len(raw) < values * dtype.itemsize:
        raise EOFError("the array is truncated")
    return np.frombuffer(raw, dtype)


def _damaged_error(path: Path, error: Exception) -> RecordingError:
    return RecordingError(
        f"{path} is a damaged NumPy archive: {error or type(error).__name__}.", advice="Copy or write the file again."
    )
