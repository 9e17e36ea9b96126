"""Session files (.cws): everything a collector received in a night, from one or more sensors.

The decoder of sessions is imported when a session is met: it would add half to the time that it takes to import
`crampwatch.recordings`, which every command that reads any recording waits for.
"""

from pathlib import Path

from crampwatch.protocol.errors import ConfigurationError
from crampwatch.recordings.format import Format, ReadOptions
from crampwatch.recordings.recording import Recording

__all__ = ["SessionFormat"]


class SessionFormat(Format):
    """Sessions of crampwatch. They are read only: the collector alone writes them."""

    name = "session"
    description = "crampwatch sessions (.cws)"

    def sniff(self, head: bytes, path: Path) -> bool:
        """Recognise SQLite's header with our application id, or the ending of the name."""
        from crampwatch.journal import is_session_file  # noqa: PLC0415 - start-up time, see above

        return is_session_file(head, path)

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Open one sensor of a session; see `read_session`."""
        from crampwatch.recordings.session.reader import read_session  # noqa: PLC0415 - start-up time, see above

        if options.rate_hz is not None or options.scale_uv is not None or options.column is not None:
            raise ConfigurationError(
                f"{path} is a session of crampwatch, which states its own rate and scale.",
                advice="Leave out --rate-hz, --scale and --column.",
            )
        recording, _ = read_session(path, sensor=options.sensor, channels=options.channels)
        return recording
