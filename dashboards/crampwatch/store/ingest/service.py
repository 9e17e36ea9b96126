"""The store as a service: writes MQTT messages, and the samples around episodes, to SQLite or InfluxDB.

A message is acknowledged when it is on disk: in the SQLite store itself or, for InfluxDB, in a spool on disk. A second
task moves messages from the spool to the database whenever that is available.
"""

import asyncio
import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.backoff import backoff_s
from crampwatch.bus.client import Bus
from crampwatch.bus.client import Message as Received
from crampwatch.bus.metrics import BACKLOG, report_unreadable
from crampwatch.bus.service import ServiceShell
from crampwatch.protocol import messages
from crampwatch.protocol.block import SampleBlock
from crampwatch.protocol.errors import FrameError, UnavailableError
from crampwatch.protocol.messages import Message
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter
from crampwatch.store.engines import open_store
from crampwatch.store.ingest.recent_samples import RecentSamples
from crampwatch.store.ingest.spool import Spool
from crampwatch.store.model.interface import RejectedError, Store
from crampwatch.store.model.points import STORED_LEAVES

__all__ = ["StoreOptions", "move_batch", "run"]

_BATCH: Final = 500
_GATHER_S: Final = 1.0
"""How long messages are collected: one commit to disk for all of them spares memory cards."""
_IDLE_S: Final = 0.2
_WINDOW: Final = 16
"""Mosquitto sends 20 messages and then waits for an acknowledgement: collecting ends before that."""
_REPORT_S: Final = 15.0
"""How often backlog and free space are published: often enough for an alert after a few minutes."""
_FAREWELL_S: Final = 1.0
_log: Final = logging.getLogger(__name__)
_Samples = tuple[str, SampleBlock]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What the store service needs.

    Attributes:
        broker: Where messages come from.
        url: As for :func:`crampwatch.store.engines.open_store`.
        data_dir: Where what waits for a database is kept (``store-spool.sqlite``).
        token: Of InfluxDB.
        org: Of InfluxDB 2.
        bucket: Of InfluxDB 2; the database of 1 and 3.
        client_id: Fixed, so that the broker keeps for us what we have not acknowledged.
    """

    broker: BrokerAddress
    url: str
    data_dir: Path
    token: str = ""
    org: str = "crampwatch"
    bucket: str = "crampwatch"
    client_id: str = "crampwatch-store"


async def run(options: StoreOptions, *, stop: asyncio.Event) -> None:
    """Store until `stop` is set.

    Raises:
        ConfigurationError: The address is no store's.
        UnavailableError: The broker refuses the login, or the data folder cannot be written at the start.
        RecordingError: The store's file is damaged.
    """
    store = open_store(options.url, token=options.token, org=options.org, bucket=options.bucket)
    spool = None if options.url.startswith("sqlite:") else Spool(options.data_dir / "store-spool.sqlite")
    recent = RecentSamples(options.data_dir / "store-recent.sqlite")
    BACKLOG.set_function(lambda: 0 if spool is None else len(spool))
    shell = ServiceShell(
        "store",
        options.broker,
        client_id=options.client_id,
        subscriptions={leaf_filter(leaf): leaf.qos for leaf in (*STORED_LEAVES, Leaf.SAMPLES)},
        persistent=True,
        farewell_s=_FAREWELL_S,
    )
    try:
        async with shell:
            await _serve(shell, _Files(store, spool, recent, options.data_dir), stop)
    finally:
        store.close()
        recent.close()
        if spool is not None:
            spool.close()


@dataclass(frozen=True, slots=True)
class _Files:
    """The open files; there is a spool only for a database on the network."""

    store: Store
    spool: Spool | None
    recent: RecentSamples
    folder: Path


async def _serve(shell: ServiceShell, files: _Files, stop: asyncio.Event) -> None:
    """Run the tasks until `stop` is set or one fails; then write what was received."""
    lock = threading.Lock()
    spool = files.spool
    receiver = _Receiver(shell.bus, _StoreSink(files.store) if spool is None else _SpoolSink(spool, lock), files.recent)
    works = [receiver.run(), _report(shell, spool, files.folder)]
    if spool is not None:
        works.append(_drain(spool, files.store, lock))
    await shell.run(*works, stop=stop)
    await receiver.flush()


class _Sink(Protocol):
    """Where messages are written first; they are on disk when `write` returns."""

    def write(self, batch: Sequence[Message]) -> None:
        """Keep messages; blocks."""


@dataclass(frozen=True, slots=True)
class _StoreSink:
    store: Store

    def write(self, batch: Sequence[Message]) -> None:
        for why in _write_each_half(self.store, list(enumerate(batch))).values():
            _log.error("the store rejects a message, it is skipped: %s", why)


@dataclass(frozen=True, slots=True)
class _SpoolSink:
    spool: Spool
    lock: threading.Lock

    def write(self, batch: Sequence[Message]) -> None:
        with self.lock:
            self.spool.append(batch)


class _Receiver:
    """Receives messages, writes them to disk, and only then acknowledges them."""

    def __init__(self, bus: Bus, sink: _Sink, recent: RecentSamples) -> None:
        self._bus = bus
        self._sink = sink
        self._recent = recent
        self._received: list[Received] = []

    async def run(self) -> None:
        """Receive and write messages until cancelled."""
        while True:
            await self._gather()
            for pause_s in backoff_s(first_s=0.2):
                try:
                    await self.flush()
                except UnavailableError as error:  # for instance a full disk; the broker stores what arrives meanwhile
                    _log.error("%s Trying again in %.1f s.", error, pause_s)
                    await asyncio.sleep(pause_s)
                else:
                    break

    async def flush(self) -> None:
        """Write what was received, and acknowledge it.

        Raises:
            UnavailableError: It cannot be written now.
        """
        received = tuple(self._received)
        decoded = [one_message for one in received if (one_message := _read(one)) is not None]
        if decoded:
            await _in_thread(self._write, decoded)
        for one in received:
            one.ack()
        del self._received[: len(received)]

    def _write(self, decoded: Sequence[Message | _Samples]) -> None:
        blocks = [one_message for one_message in decoded if isinstance(one_message, tuple)]
        batch = [one_message for one_message in decoded if isinstance(one_message, Message)]
        raw = self._recent.add(blocks, [message for message in batch if isinstance(message, messages.Episode)])
        if batch or raw:
            self._sink.write([*batch, *raw])
            self._recent.mark_written(raw)

    async def _gather(self) -> None:
        """Wait for a message, then collect more for a moment."""
        received = self._received
        received.append(await self._bus.receive())
        until_s = asyncio.get_running_loop().time() + _GATHER_S
        while len(received) < _BATCH and (self._bus.queued_messages or len(received) < _WINDOW):
            try:
                async with asyncio.timeout_at(until_s):
                    received.append(await self._bus.receive())
            except TimeoutError:
                return


async def _drain(spool: Spool, store: Store, lock: threading.Lock) -> None:
    """Move messages from the spool to the database, the oldest first, until cancelled."""
    pauses = backoff_s(first_s=0.2, cap_s=15.0)
    while True:
        try:
            moved = await _in_thread(move_batch, spool, store, lock)
        except UnavailableError as error:
            pause_s = next(pauses)
            _log.warning("%s %d messages wait; trying again in %.1f s.", error, len(spool), pause_s)
            await asyncio.sleep(pause_s)
            continue
        pauses = backoff_s(first_s=0.2, cap_s=15.0)
        if not moved:
            await asyncio.sleep(_IDLE_S)


def move_batch(spool: Spool, store: Store, lock: threading.Lock) -> int:
    """Move one batch from the spool to the database; return how many messages it had.

    Raises:
        UnavailableError: The database cannot be written at the moment; nothing has left the spool.
    """
    with lock:
        batch = spool.oldest(_BATCH)
    if not batch:
        return 0
    refused = _write_each_half(store, batch)
    with lock:
        for number, why in refused.items():
            _log.error("the database rejects message %d, it is set aside: %s", number, why)
            spool.set_aside(number, why)
        spool.remove([number for number, _ in batch if number not in refused])
    return len(batch)


def _write_each_half(store: Store, batch: Sequence[tuple[int, Message]]) -> dict[int, str]:
    """Write a batch; if it is rejected, write its halves; return the rejected messages, each with the reason."""
    try:
        store.write([message for _, message in batch])
    except RejectedError as error:
        if len(batch) == 1:
            return {batch[0][0]: str(error)}
        middle = len(batch) // 2
        return _write_each_half(store, batch[:middle]) | _write_each_half(store, batch[middle:])
    return {}


async def _report(shell: ServiceShell, spool: Spool | None, folder: Path) -> None:
    """Publish in the service's status how much waits for the database and how much disk is free, until cancelled."""
    while True:
        backlog = 0 if spool is None else len(spool)
        detail = f"{backlog} messages wait for the database" if backlog > _BATCH else ""
        free_bytes = await _in_thread(_free_bytes, folder)
        await shell.publish_online(detail=detail, backlog=backlog, free_bytes=free_bytes)
        await asyncio.sleep(_REPORT_S)


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        _log.warning("the free space of %s is unknown: %s", folder, error)
        return None


async def _in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs
) -> Result:
    """Run a blocking call in a thread; when cancelled, wait for it to end, so that the files can be closed."""
    task = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **options))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _read(received: Received) -> Message | _Samples | None:
    """Decode a message; None if it cannot be decoded, which is reported."""
    try:
        return _decoded(received)
    except FrameError as error:
        report_unreadable(received.topic, error)
        return None


def _decoded(received: Received) -> Message | _Samples:
    topic = Topic.parse(received.topic)
    if topic.leaf is Leaf.SAMPLES:
        return topic.sensor, SampleBlock.decode(received.payload)
    return messages.decode_for_topic(topic, received.payload)
