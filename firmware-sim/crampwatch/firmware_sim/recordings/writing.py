"""Writing recordings: simulated ones with their truth beside them, and others for export."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from crampwatch.firmware_sim.recordings.annotation import Annotation
from crampwatch.firmware_sim.recordings.atomic_file import replacing
from crampwatch.firmware_sim.recordings.csv_writer import write_csv
from crampwatch.firmware_sim.recordings.edf_writer import write_edf
from crampwatch.firmware_sim.recordings.npz_writer import write_npz
from crampwatch.firmware_sim.recordings.parquet_writer import write_parquet
from crampwatch.firmware_sim.recordings.recording import Recording
from crampwatch.firmware_sim.recordings.simulated import simulated_recording
from crampwatch.firmware_sim.source import SignalSource
from crampwatch.firmware_sim.truth import TruthEvent, encode_truth
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["annotations_path", "truth_path", "write", "write_recording"]

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
    source: SignalSource,
    *,
    truth: Sequence[TruthEvent],
    progress: Progress | None = None,
    start_utc_ns: int | None = None,
    stop_index: int | None = None,
) -> None:
    """Write a simulated recording, and its truth beside it as `truth_path` says.

    Args:
        path: Where to; the extension chooses EDF+ (.edf), BDF+ (.bdf), Parquet (.parquet), NumPy (.npz) or CSV (.csv).
        source: The signal.
        truth: What happens in it; EDF+, BDF+ and Parquet hold it as annotations too.
        progress: Told the samples written so far and in all, now and then.
        start_utc_ns: Time of the first sample; None tells none.
        stop_index: Samples to write; None for all.

    Raises:
        ConfigurationError: The extension is not known, the folder cannot be written to, or the source never ends.
        UnavailableError: The disk is full. Nothing is left under either name.
    """
    target = _checked(path)
    recording = simulated_recording(source, start_utc_ns=start_utc_ns, stop_index=stop_index)
    with replacing(truth_path(target)) as truth_file, replacing(target) as file:
        truth_file.write(encode_truth(truth).encode())
        _write(file, target, recording, [_annotation(event) for event in truth], progress)


def write_recording(
    path: str | os.PathLike[str],
    recording: Recording,
    *,
    annotations: Iterable[Annotation] = (),
    progress: Progress | None = None,
) -> None:
    """Write a recording in another format; where that cannot hold annotations, they stand beside it.

    Args:
        path: Where to; the extension chooses as in `write`.
        recording: What to write; NumPy cannot hold one of unknown scale.
        annotations: Remarks on stretches of it.
        progress: Told the samples written so far and in all, now and then.

    Raises:
        ConfigurationError: The extension is not known, the folder cannot be written to, the scale is missing, or what
            writes the format is not installed.
        RecordingError: The recording cannot be read to its end.
        UnavailableError: The disk is full. Nothing is left under the name.
    """
    target = _checked(path)
    remarks = sorted(annotations, key=lambda remark: remark.onset_s)
    with ExitStack() as stack:
        if remarks and target.suffix.lower() not in _HOLDING_SUFFIXES:
            beside = stack.enter_context(replacing(annotations_path(target)))
            beside.write(_table(remarks).encode())
        _write(stack.enter_context(replacing(target)), target, recording, remarks, progress)


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
