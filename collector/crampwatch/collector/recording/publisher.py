"""From the session file to the broker: an outbox with a durable position.

Each sensor has one. It reads what was committed after its position, publishes it, waits until the broker has
acknowledged, and moves the position. Memory is bounded by one batch, however long the broker is away: the file is the
queue. After a kill, what may not have been acknowledged is published again; consumers know a sample by sensor, boot,
stream and index.
"""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Final

from crampwatch.bus.client import Bus
from crampwatch.collector.policy.absence import Absence
from crampwatch.collector.policy.messages import Outgoing, SensorVoice
from crampwatch.collector.recording.recorder import Recorder
from crampwatch.journal.reader import SessionReader
from crampwatch.journal.writer import SessionWriter
from crampwatch.protocol.records import Record

__all__ = ["Publisher"]

LINK_S: Final = 2.0
_BATCH: Final = 256
"""Records a turn: 15 s of one sensor, so that catching up is quick and a kill repeats little."""


class Publisher:
    """Publishes one sensor's records.

    Args:
        voice: Says what is to be published.
        writer: Of the session.
        recorder: Tells when there is more.
        sensor_key: Whose records.
        utc_ns: The session's clock.
    """

    def __init__(
        self,
        voice: SensorVoice,
        writer: SessionWriter,
        recorder: Recorder,
        *,
        sensor_key: int,
        utc_ns: Callable[[], int],
    ) -> None:
        self.voice = voice
        self._writer = writer
        self._recorder = recorder
        self._key = sensor_key
        self._utc_ns = utc_ns
        self._reader = SessionReader(writer.path)
        self._seq = self._reader.published_seq(sensor_key)
        self._absence = Absence()

    def catch_up(self) -> None:
        """Take what an earlier process has published into the history; blocks for a few seconds after a long night."""
        for record in self._reader.records(self._key):
            if record.seq > self._seq:
                return
            self.voice.skip(record)

    async def run(self, bus: Bus) -> None:
        """Publish until cancelled."""
        boot = self.voice.history.boot
        if boot is not None:
            await self._publish(bus, [self.voice.info(boot)])
        reporting = asyncio.create_task(self._report(bus))
        try:
            while True:
                more = asyncio.create_task(self._recorder.committed())
                try:
                    await self.drain(bus)
                    await more
                finally:
                    more.cancel()
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    async def drain(self, bus: Bus) -> None:
        """Publish what is in the file now."""
        while records := await asyncio.to_thread(self._next_batch):
            await self._publish(bus, self.voice.told(records))
            self._seq = records[-1].seq
            self._writer.mark_published(self._key, self._seq)

    async def farewell(self, bus: Bus, now_ns: int, *, is_ended: bool) -> None:
        """Publish the rest, and that the session has ended, or only that nobody listens to the sensor for now."""
        await self.drain(bus)
        boot = self.voice.history.boot
        last = [self.voice.link(now_ns), self.voice.status(now_ns, online=False)]
        if boot is not None and is_ended:
            last.append(self.voice.info(boot, ended_ns=now_ns))
        await self._publish(bus, last)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def _next_batch(self) -> list[Record]:
        return list(islice(self._reader.records(self._key, after_seq=self._seq), _BATCH))

    async def _report(self, bus: Bus) -> None:
        """Tell every few seconds how the link fares, and when the sensor was away for long."""
        while True:
            await asyncio.sleep(LINK_S)
            now_ns = self._utc_ns()
            if self.voice.history.boot is not None:
                await self._publish(bus, [self.voice.link(now_ns), *self._absence_notices(now_ns)])

    def _absence_notices(self, now_ns: int) -> list[Outgoing]:
        since_ns = self._absence.since_ns
        match self._absence.take(now_ns, is_connected=self.voice.history.is_connected):
            case "silent":
                return [self.voice.silent(now_ns if since_ns is None else since_ns)]
            case "back":
                return [self.voice.back(now_ns)]
            case _:
                return []

    async def _publish(self, bus: Bus, outgoing: list[Outgoing]) -> None:
        """Publish in order; return when all is acknowledged."""
        # Not a task group, which would wrap the error of a refused login: it is shown to a person as it is.
        await asyncio.gather(*(bus.publish(one.topic, one.payload, qos=one.qos, retain=one.retain) for one in outgoing))
