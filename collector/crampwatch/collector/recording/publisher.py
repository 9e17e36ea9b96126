"""From the session file to the broker: an outbox with a durable position.

Each sensor has its own publisher. It reads the records that were committed after its position, publishes them, waits
until the broker has acknowledged all of them, and only then moves the position, which is stored in the session file
too. Memory is bounded by one batch, however long the broker is away: the file is the queue. After a kill, records that
may not have been acknowledged are published again; consumers identify a sample by sensor, boot, stream and index.
"""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Final

from crampwatch.bus.client import Bus
from crampwatch.collector.policy.absence import Absence
from crampwatch.collector.policy.publications import Publication, RecordTranslator
from crampwatch.collector.recording.recorder import Recorder
from crampwatch.journal.reader import SessionReader
from crampwatch.journal.writer import SessionWriter
from crampwatch.protocol.records import Record

__all__ = ["Publisher"]

LINK_INTERVAL_S: Final = 2.0
"""How often the state of the link is published: a person who walks about with a sensor sees the signal strength
change."""
_BATCH: Final = 256
"""Records published at a time: 15 s of one sensor, so that catching up is quick and a kill repeats little."""


class Publisher:
    """Publishes one sensor's records.

    Args:
        translator: Translates the sensor's records into messages.
        writer: Writer of the session; it stores the position too.
        recorder: Signals when more records are committed.
        sensor_key: The sensor's key in the session file.
        utc_ns: The session's clock.
    """

    def __init__(
        self,
        translator: RecordTranslator,
        writer: SessionWriter,
        recorder: Recorder,
        *,
        sensor_key: int,
        utc_ns: Callable[[], int],
    ) -> None:
        self.translator = translator
        self._writer = writer
        self._recorder = recorder
        self._key = sensor_key
        self._utc_ns = utc_ns
        self._reader = SessionReader(writer.path)
        self._seq = self._reader.published_seq(sensor_key)
        self._absence = Absence()

    def restore(self) -> None:
        """Replay what an earlier process has published; blocks for a few seconds after a long night."""
        for record in self._reader.records(self._key):
            if record.seq > self._seq:
                return
            self.translator.replay(record)

    async def run(self, bus: Bus) -> None:
        """Publish until cancelled."""
        boot = self.translator.history.boot
        if boot is not None:
            await self._publish(bus, [self.translator.info_message(boot)])
        reporting = asyncio.create_task(self._report_link(bus))
        try:
            while True:
                more = asyncio.create_task(self._recorder.wait_committed())
                try:
                    await self.drain(bus)
                    await more
                finally:
                    more.cancel()
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    async def drain(self, bus: Bus) -> None:
        """Publish all records that are in the file now."""
        while records := await asyncio.to_thread(self._next_batch):
            await self._publish(bus, self.translator.translate(records))
            self._seq = records[-1].seq
            self._writer.mark_published(self._key, self._seq)

    async def publish_offline(self, bus: Bus, now_ns: int, *, is_ended: bool) -> None:
        """Publish the rest, and that the sensor is offline; if `is_ended`, also that the session has ended."""
        await self.drain(bus)
        boot = self.translator.history.boot
        last = [self.translator.link_message(now_ns), self.translator.status_message(now_ns, online=False)]
        if boot is not None and is_ended:
            last.append(self.translator.info_message(boot, ended_ns=now_ns))
        await self._publish(bus, last)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _next_batch(self) -> list[Record]:
        return list(islice(self._reader.records(self._key, after_seq=self._seq), _BATCH))

    async def _report_link(self, bus: Bus) -> None:
        """Publish the state of the link every few seconds, and notices of long absences, until cancelled."""
        while True:
            await asyncio.sleep(LINK_INTERVAL_S)
            now_ns = self._utc_ns()
            if self.translator.history.boot is not None:
                await self._publish(bus, [self.translator.link_message(now_ns), *self._absence_notices(now_ns)])

    def _absence_notices(self, now_ns: int) -> list[Publication]:
        since_ns = self._absence.since_ns
        match self._absence.update(now_ns, is_connected=self.translator.history.is_connected):
            case "silent":
                return [self.translator.silence_notice(now_ns if since_ns is None else since_ns)]
            case "back":
                return [self.translator.return_notice(now_ns)]
            case _:
                return []

    async def _publish(self, bus: Bus, publications: list[Publication]) -> None:
        """Publish in order; return when the broker has acknowledged all."""
        # Not a task group, which would wrap the error of a refused login: it is shown to a person as it is.
        await asyncio.gather(
            *(bus.publish(one.topic, one.payload, qos=one.qos, retain=one.retain) for one in publications)
        )
