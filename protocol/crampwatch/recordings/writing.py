"""Writing recordings in any format; the truth of a simulated one, or annotations a format cannot hold, stand beside."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings.annotation import Annotation
from crampwatch.recordings.atomic_file import replacing
from crampwatch.recordings.edf.writer import write_edf
from crampwatch.recordings.npz.writer import write_npz
from crampwatch.recordings.parquet.writer import write_parquet
from crampwatch.recordings.recording import Recording
from crampwatch.recordings.text.writer import write_csv
from crampwatch.recordings.truth import TruthEvent, encode_truth

__all__ = ["annotations_path", "truth_path", "write"]

Progress = Callable[[int, int], None]

_EDF_SUFFIXES = {".edf", ".bdf"}
_HOLDING_SUFFIXES = _EDF_SUFFIXES | {".parquet"}
"""Of formats with a place for annotations."""
_SUFFIXES = _HOLDING_SUFFIXES | {".npz", ".csv"}


def truth_path(path: str | os.PathLike[str]) -> Path:
    """Return where the truth of a simulated recording stands: night.edf has night.truth.jsonl beside it."""
    return Path(path).with_suffix(".truth.jsonl")


def annotations_path(path: str | os.PathLike[str]) -> Path:
    """Return where the annotations stand for a format that cannot hold them: night.csv.annotations.csv."""
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
    """Write a recording in the format that the extension names.

    Args:
        path: Where to; the extension chooses EDF+ (.edf), BDF+ (.bdf), Parquet (.parquet), NumPy (.npz) or CSV (.csv).
        recording: What to write; NumPy cannot hold one of unknown scale.
        annotations: Remarks on stretches of it; in a file beside it (`annotations_path`) where the format has no place.
        truth: Of a simulated recording: written beside it (`truth_path`), and as annotations where the format has a
            place for them. None for any other recording.
        progress: Called with the samples written so far and in all, now and then.

    Raises:
        ConfigurationError: The extension is not known, the folder cannot be written to, the scale is missing, or what
            writes the format is not installed.
        RecordingError: The recording cannot be read to its end.
        UnavailableError: The disk is full. Nothing is left under any name.
    """
    target = _checked(path)
    remarks = sorted(annotations, key=lambda remark: remark.onset_s)
    holds_remarks = target.suffix.lower() in _HOLDING_SUFFIXES
    with ExitStack() as stack:
        if truth is not None:
            stack.enter_context(replacing(truth_path(target))).write(encode_truth(truth).encode())
        if remarks and not holds_remarks:
            stack.enter_context(replacing(annotations_path(target))).write(_table(remarks).encode())
        inside = [*(_annotation(event) for event in truth or ()), *remarks]
        _write(stack.enter_context(replacing(target)), target, recording, inside, progress)


def _checked(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise ConfigurationError(
            f"{target.name or path!r} does not end like a recording; known are {', '.join(sorted(_SUFFIXES))}.",
            advice="Choose the format by the ending of the name, such as night.edf.",
        )
    return target


def _write(
    file: BinaryIO, target: Path, recording: Recording, annotations: Sequence[Annotation], progress: Progress | None
) -> None:
    suffix = target.suffix.lower()
    if suffix == ".npz":
        write_npz(file, recording, progress=progress)
    elif suffix == ".csv":
        write_csv(file, recording, progress=progress)
    elif suffix == ".parquet":
        write_parquet(file, recording, annotations=annotations, progress=progress)
    else:
        write_edf(file, recording, is_bdf=suffix == ".bdf", annotations=annotations, progress=progress)


def _annotation(event: TruthEvent) -> Annotation:
    return Annotation(event.onset_s, event.duration_s, f"simulated {event.kind}: {event.label}")


def _table(annotations: Sequence[Annotation]) -> str:
    """Return annotations as CSV with the columns other tools of the field use."""
    rows = [
        f"{remark.onset_s:.6f},{remark.onset_s + (remark.duration_s or 0.0):.6f},{_quoted(remark.text)}\n"
        for remark in annotations
    ]
    return "onset_s,offset_s,label\n" + "".join(rows)


def _quoted(text: str) -> str:
    plain = text.replace("\n", " ").replace('"', '""')
    return f'"{plain}"' if "," in plain or '"' in plain else plain
