"""Opening a recording of any known format.

The content of a file decides its format; its name only helps where the content is ambiguous.
"""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings.format import HEAD_BYTES, Format, ReadOptions
from crampwatch.recordings.formats import FORMATS
from crampwatch.recordings.limits import check_options
from crampwatch.recordings.recording import Recording

__all__ = ["read"]

_FOREIGN_FILES = {
    b"\x89HDF": "an HDF5 file",
    b"MATLAB": "a MATLAB file",
    b"\x93NUMPY": "a bare NumPy array",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"RIFF": "a sound file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"SQLite format 3\x00": "a database",
}
"""Files that people try to open and that are not read, by their first bytes: naming them explains the refusal."""


def read(
    path: str | os.PathLike[str],
    *,
    channels: Sequence[str | int] | None = None,
    rate_hz: float | None = None,
    scale_uv: float | None = None,
    column: Sequence[int] | None = None,
    sensor: str | None = None,
) -> Recording:
    """Open a recording without loading it.

    >>> recording = read("night.edf", channels=["EMG L"])  # doctest: +SKIP
    >>> recording.samples()  # doctest: +SKIP

    Args:
        path: For WFDB the header or the signal file.
        channels: Labels, or numbers from 1; None chooses what looks like EMG.
        rate_hz: Sampling rate, if the file does not state it or states a wrong one.
        scale_uv: Microvolts per unit of the file, if it does not state its unit or states a wrong one.
        column: Columns of a text table, counted from 1.
        sensor: Id of the sensor, for a session with several.

    Raises:
        RecordingError: The file is missing, unreadable, damaged, empty or of no known format.
        ConfigurationError: The options are out of range or do not fit the file.
    """
    check_options(rate_hz=rate_hz, scale_uv=scale_uv)
    options = ReadOptions(channels=channels, rate_hz=rate_hz, scale_uv=scale_uv, column=column, sensor=sensor)
    target = Path(path)
    try:
        head = _read_head(target)
        return _format_of(head, target).read(target, options)
    except OSError as error:
        raise _cannot_open(target, error) from error


def _read_head(path: Path) -> bytes:
    try:
        file = path.open("rb")
    except ValueError as error:  # a name no file can have, such as one with a null character
        raise _cannot_open(path, error) from error
    with file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise RecordingError(
            f"{path} is empty.", advice="Check that the recording was finished and the whole file was copied."
        )
    return head


def _format_of(head: bytes, path: Path) -> Format:
    for file_format in FORMATS:
        if file_format.sniff(head, path):
            return file_format
    foreign = next((kind for start, kind in _FOREIGN_FILES.items() if head.startswith(start)), None)
    met = foreign or "neither text nor any known recording"
    hint = f", although its name ends in {path.suffix}" if path.suffix else ""
    known = ", ".join(file_format.description for file_format in FORMATS if file_format.description)
    raise RecordingError(
        f"{path} is {met}{hint}; readable formats are {known}.",
        advice="Export the recording as EDF or CSV from the program that made it. "
        "A WFDB signal file needs its header (.hea) beside it.",
    )


def _cannot_open(path: Path, error: OSError | ValueError) -> RecordingError:
    number = error.errno if isinstance(error, OSError) else None
    reasons = {
        errno.ENOENT: ("does not exist", "Check the spelling and the folder."),
        errno.EISDIR: ("is a folder, not a recording", "Name a file in it."),
        errno.EACCES: ("cannot be read: permission denied", "Ask its owner for permission, or copy it."),
    }
    reason, advice = reasons.get(number or 0, (f"cannot be read: {error}", "Check the path and the disk."))
    return RecordingError(f"{str(path)!r} {reason}.", advice=advice)
