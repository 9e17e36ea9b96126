"""Stamps records with the time of their arrival, and writes them to the session file.

Records wait in memory for at most `COMMIT_S`, and are then written in one transaction, off the event loop. While the
disk is full or slow they wait longer, up to `MAX_WAITING` of them. Beyond that new records are refused, not old ones
dropped: a refused record counts as not received, so that its samples are a gap. The sensor's ring buffer still holds
them, and they are fetched when there is room. So what the link believes it has received is always what will be on the
disk.
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
"""How often records are written: about seven transactions a second, which a memory card can do, and a delay of the live
view that nobody notices."""
RETRY_S: Final = 1.0
"""Pause after a failed write."""
MAX_WAITING: Final = 50_000
"""Twenty minutes of two sensors, 15 MB."""
Result = TypeVar("Result")
_BATCH: Final = 2_000
"""Records in one transaction: after an outage the publishers get the first ones while the rest is written."""
_log: Final = logging.getLogger(__name__)


class Recorder:
    """Stamps records and writes them.

    Args:
        clock: Clock of the session.
        epoch: Number of this process within the session.
        on_failure: Called when the disk cannot be written, once for each outage.

    Attributes:
        refused: How many records were refused since the start.
    """

    def __init__(self, clock: HostClock, *, epoch: int, on_failure: Callable[[UnavailableError], None]) -> None:
        self.refused = 0
        self._clock = clock
        self._epoch = epoch
        self._on_failure = on_failure
        self._waiting: deque[Record] = deque()
        self._committed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._is_failing = False

    def record(self, sensor_key: int, kind: RecordKind, payload: bytes) -> Record | None:
        """Stamp and queue a record that arrived now; return it, or None if there is no room for it."""
        record = Record(0, sensor_key, kind, self._clock.mono_ns(), self._clock.wall_ns(), payload, self._epoch)
        if len(self._waiting) >= MAX_WAITING:
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
        """Write all waiting records and the positions of the publishers; return False if the disk cannot be written."""
        async with self._writing:
            while True:
                # Shielded: a batch that is written is also removed from the queue, even if the caller is cancelled.
                work = asyncio.create_task(self._write_batch(writer))
                try:
                    await asyncio.shield(work)
                except UnavailableError as error:
                    self._report_failure(error)
                    return False
                except asyncio.CancelledError:
                    await asyncio.gather(work, return_exceptions=True)
                    raise
                self._is_failing = False
                if not self._waiting:
                    return True

    async def run_between_batches(self, work: Callable[[], Result]) -> Result:
        """Run something else that uses the writer in a thread, while no batch is being written."""
        async with self._writing:
            return await asyncio.to_thread(work)

    async def wait_committed(self) -> None:
        """Return when the next batch is on the disk."""
        await self._committed.wait()

    async def _write_batch(self, writer: SessionWriter) -> None:
        batch = list(islice(self._waiting, _BATCH))
        await asyncio.to_thread(writer.append, batch)
        for _ in batch:
            self._waiting.popleft()
        self._committed.set()
        self._committed = asyncio.Event()

    def _report_failure(self, error: UnavailableError) -> None:
        if not self._is_failing:
            _log.error("%s", error)
            self._on_failure(error)
        self._is_failing = True
