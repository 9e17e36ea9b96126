"""Recordings in files: EDF, BDF, WFDB, text, NumPy, Parquet and sessions, read and written through one interface.

::

    from crampwatch.recordings import from_array, read, write

    recording = read("night.edf")  # opened, not loaded
    recording.rate_hz, recording.labels, recording.start
    emg_uv = recording.samples()  # (samples, channels), microvolts, NaN where missing
    for block in recording.chunks(60_000):  # or piece by piece, in constant memory
        ...
    write("night.npz", recording)  # the ending selects the format
    write("mine.edf", from_array(emg_uv, rate_hz=1000))  # from memory

How to add a format is in `crampwatch.recordings.format` and in CONTRIBUTING.md.
"""

from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.array import from_array
from crampwatch.recordings.format import Format, ReadOptions, WriteOptions
from crampwatch.recordings.formats import FORMATS, register, writable_suffixes
from crampwatch.recordings.reading import read
from crampwatch.recordings.recording import Recording, Temperature, describe_stream
from crampwatch.recordings.writing import annotations_path, truth_path, write

__all__ = [
    "FORMATS",
    "Annotation",
    "Format",
    "ReadOptions",
    "Recording",
    "Temperature",
    "WriteOptions",
    "annotations_path",
    "describe_stream",
    "from_array",
    "read",
    "register",
    "truth_path",
    "writable_suffixes",
    "write",
]
