"""A session, with its episodes as annotations, in a format that other programs read."""

from pathlib import Path

from crampwatch.app.analysis.reanalyse import SensorVerdict, session_verdicts
from crampwatch.app.cli.progress import Progress
from crampwatch.journal import SessionReader
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import Annotation, write
from crampwatch.recordings.session.reader import read_session

__all__ = ["export_session"]

_MARKS = {Origin.DEMO: "simulated data: ", Origin.REPLAY: "replay: "}


def export_session(path: Path, out: Path, *, sensor: str | None, progress: Progress) -> int:
    """Write one sensor of a session; return how many episodes stand in it as annotations.

    Raises:
        CrampwatchError: The session cannot be read, or the file cannot be written.
    """
    recording, chosen = read_session(path, sensor=sensor)
    with SessionReader(path) as reader:
        verdict = next(one for one in session_verdicts(reader) if one.sensor.key == chosen.key)
    annotations = _annotations(verdict, _MARKS.get(recording.origin, ""))
    write(out, recording, annotations=annotations, progress=progress)
    return len(annotations)


def _annotations(verdict: SensorVerdict, mark: str) -> list[Annotation]:
    return [
        Annotation(
            verdict.onset_s(episode),
            verdict.offset_s(episode) - verdict.onset_s(episode),
            f"{mark}likely {episode.kind.replace('_', ' ')}, {episode.confidence:.0%}",
        )
        for episode in verdict.episodes
    ]
