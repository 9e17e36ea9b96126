"""When a replayed recording is over: read from the session file, which holds all that was received."""

import asyncio
from pathlib import Path
from typing import Final

from crampwatch.journal import SessionReader, sessions
from crampwatch.protocol.errors import CrampwatchError, FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.records import RecordKind

__all__ = ["recording_end", "streams_ended"]

_LOOK_S: Final = 0.5


async def recording_end(directory: Path) -> None:
    """Return when every sensor of the newest session has said that its stream has no more samples."""
    while not await asyncio.to_thread(_newest_ended, directory):  # noqa: ASYNC110 - a file announces nothing
        await asyncio.sleep(_LOOK_S)


def streams_ended(reader: SessionReader) -> bool:
    """Return whether every sensor of a session has said that a stream of it has no more samples."""
    waiting = {sensor.key for sensor in reader.sensors()}
    if not waiting:
        return False
    for record in reader.records(kinds=[RecordKind.EVENT]):
        if _code(record.payload) == EventCode.STREAM_ENDED:
            waiting.discard(record.sensor_key)
    return not waiting


def _newest_ended(directory: Path) -> bool:
    entries = sessions(directory)
    if not entries:
        return False
    try:
        with SessionReader(entries[-1].path) as reader:
            return streams_ended(reader)
    except CrampwatchError:
        return False  # just being made: the next look finds it


def _code(payload: bytes) -> int | None:
    try:
        return SensorEvent.decode(payload).code
    except FrameError:
        return None
