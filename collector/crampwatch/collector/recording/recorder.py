"""What arrived, stamped and on its way into the session file.

Records wait in memory for at most `COMMIT_S`, then go to the disk in one transaction, off the event loop. While the
disk is full or slow they wait longer, up to `MOST_WAITING`; beyond it new ones are refused, so that what the link
believes it has received is what will be on the disk: the sensor's ring still holds the rest, and it is fetched when
there is room.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, TypeVar

from crampwatch.collector.recording.host_clock import HostClock
from crampwatch.journal.writer import SessionWriter
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.records import Record, RecordKind

__all__ = ["Recorder"]

COMMIT_S: Final = 0.15
RETRY_S: Final = 1.0
MOST_WAITING: Final = 50_000
"""Twenty minutes of two sensors, 15 MB."""
Result = TypeVar("Result")
_BATCH: Final = 2_000
_log: Final = logging.getLogger(__name__)


class Recorder:
    """Stamps records and writes them.

    Args:
        clock: Of the session.
        epoch: Of this process.
        on_failure: Called when the disk cannot be written, once for each outage.
    """

    def __init__(self, clock: HostClock, *, epoch: int, on_failure: Callable[[UnavailableError], None]) -> None:
        self.refused = 0
        self._clock = clock
        self._epoch = epoch
        self._on_failure = on_failure
        self._waiting: deque[Record] = deque()
        self._committed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def put(self, sensor_key: int, kind: RecordKind, payload: bytes) -> Record | None:
        """Take what arrived now; returns it stamped, or None where there is no room for it."""
        record = Record(0, sensor_key, kind, self._clock.mono_ns(), self._clock.wall_ns(), payload, self._epoch)
        if len(self._waiting) >= MOST_WAITING:
            self.refused += 1
            return None
        self._waiting.append(record)
        return record

    async def run(self, writer: SessionWriter) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(COMMIT_S)
            if not await self.flush(writer):
                await asyncio.sleep(RETRY_S)

    async def flush(self, writer: SessionWriter) -> bool:
        """Write what waits, and how far publishing has got; returns whether the disk took it."""
        async with self._writing:
            while True:
                # Shielded: what is being written is written once, and noted as written, whatever becomes of its waiter.
                work = asyncio.create_task(self._write_batch(writer))
                try:
                    await asyncio.shield(work)
                except UnavailableError as error:
                    self._fail(error)
                    return False
                except asyncio.CancelledError:
                    await asyncio.gather(work, return_exceptions=True)
                    raise
                self._failing = False
                if not self._waiting:
                    return True

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do something else with the writer in a thread, while no batch is being written."""
        async with self._writing:
            return await asyncio.to_thread(work)

    async def committed(self) -> None:
        """Return after the next batch is on the disk."""
        await self._committed.wait()

    async def _write_batch(self, writer: SessionWriter) -> None:
        batch = list(islice(self._waiting, _BATCH))
        await asyncio.to_thread(writer.append, batch)
        for _ in batch:
            self._waiting.popleft()
        self._committed.set()
        self._committed = asyncio.Event()

    def _fail(self, error: UnavailableError) -> None:
        if not self._failing:
            _log.error("%s", error)
            self._on_failure(error)
        self._failing = True
