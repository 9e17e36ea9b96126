"""Recordings in files, with a simulated truth or the annotations of a person beside them."""

from dataclasses import dataclass
from pathlib import Path

from crampwatch.app.cli.reader_options import ReaderOptions
from crampwatch.app.evaluation.case import OpenedCase
from crampwatch.detector.pipeline.batch import BLOCK_S, analyse_recording
from crampwatch.detector.scoring.annotated import AnnotatedScore, decode_annotations, score_annotated
from crampwatch.protocol.errors import RecordingError
from crampwatch.recordings import Recording, truth_path
from crampwatch.recordings.truth import decode_truth

__all__ = ["SimulatedFile", "annotations_of", "has_truth", "score_file", "score_recording_annotations"]


@dataclass(frozen=True, slots=True)
class SimulatedFile:
    """A recording that `crampwatch simulate` wrote with its truth beside it."""

    path: Path
    options: ReaderOptions = ReaderOptions()  # noqa: RUF009 - frozen, so one for all is fine

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def simulated(self) -> bool:
        """Always: only the simulator writes a truth."""
        return True

    def open(self) -> OpenedCase:
        """Open it.

        Raises:
            RecordingError: The recording or its truth cannot be read.
        """
        return OpenedCase(self.options.read(self.path), decode_truth(truth_path(self.path).read_text("utf-8")))


def has_truth(path: Path) -> bool:
    """Return whether the truth of a simulated recording is beside it."""
    return truth_path(path).is_file()


def annotations_of(path: Path) -> Path:
    """Return the path of the annotations beside a recording.

    Raises:
        RecordingError: There are none, or several.
    """
    candidates = sorted({*path.parent.glob(f"{path.name}*.annotations.csv"), path.with_suffix(".annotations.csv")})
    found = [one for one in candidates if one.is_file()]
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise RecordingError(
            f"{path} needs exactly one table of annotations beside it; found: {names}.",
            advice=f"Name it {path.name}.annotations.csv, with the columns onset_s, offset_s, label, confidence, "
            "onset_unc_s and offset_unc_s.",
        )
    return found[0]


def score_file(path: Path, options: ReaderOptions) -> AnnotatedScore:
    """Run the detector over a recording and score it against the annotations beside it.

    Raises:
        CrampwatchError: Recording or annotations cannot be read.
    """
    annotations = annotations_of(path)
    return score_recording_annotations(options.read(path), annotations)


def score_recording_annotations(recording: Recording, annotations: Path | None) -> AnnotatedScore:
    """Score an opened recording against a table of annotations; None where there is nothing to annotate in it."""
    stream = recording.stream
    marked = decode_annotations(annotations.read_text("utf-8"), name=annotations.name) if annotations else ()
    chunks = list(recording.chunks(max(1, round(BLOCK_S * stream.rate_hz))))
    episodes = analyse_recording(stream, chunks, temperature=recording.temperature)
    return score_annotated(marked, episodes, duration_s=sum(map(len, chunks)) / stream.rate_hz)
