"""Writing a recording, in the format that the ending of the file name selects.

Two things may not fit into the file itself and are then written beside it: annotations, for formats that have no place
for them (`annotations_path`), and the ground truth of a simulated recording (`truth_path`). All files of one call
appear together or not at all.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.atomic_file import replacing
from crampwatch.recordings.format import Format, Progress, WriteOptions
from crampwatch.recordings.formats import writable_suffixes
from crampwatch.recordings.recording import Recording
from crampwatch.recordings.truth import TruthEvent, encode_truth

__all__ = ["annotations_path", "truth_path", "write"]


def truth_path(path: str | os.PathLike[str]) -> Path:
    """Return where the ground truth of a simulated recording is: ``night.truth.jsonl`` beside ``night.edf``."""
    return Path(path).with_suffix(".truth.jsonl")


def annotations_path(path: str | os.PathLike[str]) -> Path:
    """Return where annotations go that the format cannot hold: ``night.csv.annotations.csv`` for ``night.csv``."""
    target = Path(path)
    return target.with_name(target.name + ".annotations.csv")


def write(
    path: str | os.PathLike[str],
    recording: Recording,
    *,
    annotations: Iterable[Annotation] = (),
    truth: Sequence[TruthEvent] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a recording in the format that the file name's ending selects.

    Args:
        path: Ends in .edf (EDF+), .bdf (BDF+), .parquet, .npz (NumPy) or .csv; an existing file is replaced.
        recording: NumPy cannot hold one whose scale is unknown.
        annotations: Written into the file, or to `annotations_path` if the format has no place for them.
        truth: What really happens in a simulated recording: written to `truth_path`, and also as annotations if the
            format holds those. None for any other recording.
        progress: Called now and then with the number of samples written and the total.

    Raises:
        ConfigurationError: The ending is unknown, the folder cannot be written to, the scale is missing, or a package
            that writes the format is not installed.
        RecordingError: The recording cannot be read to its end, or its values are too large for the format.
        TypeError: `recording` is none, such as an array.
        UnavailableError: The disk is full. No file is left behind.
    """
    if not isinstance(recording, Recording):
        raise TypeError(
            f"expected a Recording, got {type(recording).__name__}; for an array, pass from_array(emg_uv, rate_hz=...)"
        )
    target = Path(path)
    file_format = _format_for(target)
    notes = sorted(annotations, key=lambda annotation: annotation.onset_s)
    # Every file replaces its target only when the stack unwinds without an error: all or none.
    with ExitStack() as stack:
        if truth is not None:
            stack.enter_context(replacing(truth_path(target))).write(encode_truth(truth).encode())
        inside: list[Annotation] = []
        if file_format.holds_annotations:
            inside = [*map(_truth_annotation, truth or ()), *notes]
        elif notes:
            stack.enter_context(replacing(annotations_path(target))).write(_annotations_csv(notes).encode())
        options = WriteOptions(target.suffix.lower(), inside, progress)
        file_format.write(stack.enter_context(replacing(target)), recording, options)


def _format_for(target: Path) -> Format:
    by_suffix = writable_suffixes()
    file_format = by_suffix.get(target.suffix.lower())
    if file_format is None:
        raise ConfigurationError(
            f"Unknown file type {target.suffix or target.name!r}; use {', '.join(sorted(by_suffix))}.",
            advice="Choose the format by the ending of the file name, such as night.edf.",
        )
    return file_format


def _truth_annotation(event: TruthEvent) -> Annotation:
    return Annotation(event.onset_s, event.duration_s, f"simulated {event.kind}: {event.label}")


def _annotations_csv(annotations: Sequence[Annotation]) -> str:
    """Return annotations as a table with the column names that other tools of the field use."""
    rows = [
        f"{note.onset_s:.6f},{note.onset_s + (note.duration_s or 0.0):.6f},{_quoted(note.text)}\n"
        for note in annotations
    ]
    return "onset_s,offset_s,label\n" + "".join(rows)


def _quoted(text: str) -> str:
    plain = text.replace("\n", " ").replace('"', '""')
    return f'"{plain}"' if "," in plain or '"' in plain else plain
