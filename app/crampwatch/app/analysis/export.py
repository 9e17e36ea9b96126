"""Exports a session, with its episodes as annotations, to a format that other programs read."""

from pathlib import Path
from typing import Final

from crampwatch.app.analysis.session_analysis import SensorAnalysis, analyse_session
from crampwatch.app.cli.progress import Progress
from crampwatch.journal import SessionReader
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import Annotation, write
from crampwatch.recordings.session.reader import read_session

__all__ = ["export_session"]

_MARKS: Final = {Origin.DEMO: "simulated data: ", Origin.REPLAY: "replay: "}


def export_session(path: Path, out: Path, *, sensor: str | None, progress: Progress) -> int:
    """Write one sensor of a session; return the number of episodes that were written as annotations.

    Raises:
        CrampwatchError: The session cannot be read, or the file cannot be written.
    """
    recording, chosen = read_session(path, sensor=sensor)
    with SessionReader(path) as reader:
        analysis = next(one for one in analyse_session(reader) if one.sensor.key == chosen.key)
    annotations = _annotations(analysis, _MARKS.get(recording.origin, ""))
    write(out, recording, annotations=annotations, progress=progress)
    return len(annotations)


def _annotations(analysis: SensorAnalysis, mark: str) -> list[Annotation]:
    return [
        Annotation(
            analysis.onset_s(episode),
            analysis.offset_s(episode) - analysis.onset_s(episode),
            f"{mark}likely {episode.kind.replace('_', ' ')}, {episode.confidence:.0%}",
        )
        for episode in analysis.episodes
    ]
