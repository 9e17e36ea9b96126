"""A session, with its episodes as annotations, in a format that other programs read."""

from pathlib import Path

from crampwatch.app.progress import Progress
from crampwatch.app.session_signal import session_recording
from crampwatch.app.verdict import SensorVerdict, session_verdicts
from crampwatch.firmware_sim.recordings import Annotation, write_recording
from crampwatch.journal import SessionReader
from crampwatch.protocol.kinds import Origin

__all__ = ["export_session"]

_MARKS = {Origin.DEMO: "simulated data: ", Origin.REPLAY: "replay: "}


def export_session(path: Path, out: Path, *, sensor: str | None, progress: Progress) -> int:
    """Write one sensor of a session; return how many episodes stand in it as annotations.

    Raises:
        CrampwatchError: The session cannot be read, or the file cannot be written.
    """
    recording, chosen = session_recording(path, sensor=sensor)
    with SessionReader(path) as reader:
        verdict = next(one for one in session_verdicts(reader) if one.sensor.key == chosen.key)
    annotations = _annotations(verdict, _MARKS.get(recording.origin, ""))
    write_recording(out, recording, annotations=annotations, progress=progress)
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
