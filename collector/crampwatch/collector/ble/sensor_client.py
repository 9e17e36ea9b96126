"""A CWS v1 sensor over one connection: acknowledged commands; every value received is handed on as a record."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from crampwatch.protocol import gatt
from crampwatch.protocol.control import (
    Backfill,
    BackfillDone,
    Opcode,
    Reply,
    Request,
    RingReport,
    Status,
    SyncReply,
    stream_mask,
)
from crampwatch.protocol.errors import CommandRefusedError, FrameError, PeerError
from crampwatch.protocol.info import Info
from crampwatch.protocol.record_payloads import SyncExchange
from crampwatch.protocol.records import RecordKind

__all__ = ["SensorClient"]

REPLY_TIMEOUT_S: Final = 5.0
STALL_TIMEOUT_S: Final = 10.0
"""A backfill that brings nothing for this long will not end by itself."""
_NOTIFIED: Final = {
    gatt.CONTROL: RecordKind.CONTROL_REPLY,
    gatt.EVENT: RecordKind.EVENT,
    gatt.STORED_DATA: RecordKind.STORED_DATA,
    gatt.DATA: RecordKind.DATA,
    gatt.TEMPERATURE: RecordKind.TEMPERATURE,
    gatt.BATTERY_LEVEL: RecordKind.BATTERY,
}
_OPTIONAL: Final = {gatt.TEMPERATURE, gatt.BATTERY_LEVEL}

OnRecord = Callable[[RecordKind, bytes], None]


class SensorClient:
    """Speaks CWS v1 through a connected client.

    Everything received goes to `on_record` first, in the order of arrival, before anything is made of it.

    Args:
        client: Connected and encrypted.
        on_record: Takes what arrived.
        monotonic_ns: The clock round trips are measured with.
    """

    def __init__(
        self, client: BleakClient, on_record: OnRecord, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._client = client
        self._on_record = on_record
        self._monotonic_ns = monotonic_ns
        self._token = 0
        self._replies: dict[tuple[int, bool], asyncio.Future[Reply]] = {}
        self._commanding = asyncio.Lock()
        self._arrivals = 0

    async def identity(self) -> dict[str, str]:
        """Return the Device Information strings the sensor has: ``serial``, ``model``, ``firmware``, ``maker``."""
        wanted = {
            "serial": gatt.SERIAL_NUMBER,
            "model": gatt.MODEL_NUMBER,
            "firmware": gatt.FIRMWARE_REVISION,
            "maker": gatt.MANUFACTURER_NAME,
        }
        present = {name: uuid for name, uuid in wanted.items() if self._client.services.get_characteristic(uuid)}
        return {name: _text(await self._client.read_gatt_char(uuid)) for name, uuid in present.items()}

    async def info(self) -> Info:
        """Read who the sensor is.

        Raises:
            FrameError: What it says cannot be understood.
        """
        value = bytes(await self._client.read_gatt_char(gatt.INFO))
        self._on_record(RecordKind.INFO, value)
        return Info.decode(value)

    async def subscribe(self) -> None:
        """Ask to be notified of everything; only then start a stream, or its beginning may be lost.

        Raises:
            PeerError: A characteristic the profile demands is not there.
        """
        for uuid, kind in _NOTIFIED.items():
            characteristic = self._client.services.get_characteristic(uuid)
            if characteristic is not None:
                await self._client.start_notify(characteristic, self._taker(kind))
            elif uuid not in _OPTIONAL:
                raise PeerError(
                    f"The sensor has no characteristic {uuid}, which CWS v1 demands.",
                    advice="Update its firmware; docs/protocol.md lists what it must have.",
                )

    async def read_vitals(self) -> None:
        """Read temperature and battery once: notifications tell of changes only."""
        for uuid in (gatt.TEMPERATURE, gatt.BATTERY_LEVEL):
            if self._client.services.get_characteristic(uuid) is not None:
                self._on_record(_NOTIFIED[uuid], bytes(await self._client.read_gatt_char(uuid)))

    async def sync(self) -> SyncReply:
        """Read ticks and index together, and record the round trip around them."""
        before_ns = self._monotonic_ns()
        reply = await self.command(Opcode.SYNC, (time.time_ns() // 1000).to_bytes(8, "little"))
        after_ns = self._monotonic_ns()
        answer = SyncReply.decode(reply.params)
        exchange = SyncExchange(before_ns, after_ns, answer.ticks, answer.index)
        self._on_record(RecordKind.SYNC, exchange.encode())
        return answer

    async def start(self, streams: tuple[int, ...]) -> None:
        """Let streams run."""
        await self.command(Opcode.START, stream_mask(streams))

    async def stop(self, streams: tuple[int, ...]) -> None:
        """Let streams rest."""
        await self.command(Opcode.STOP, stream_mask(streams))

    async def rings(self) -> RingReport:
        """Return what the ring buffers hold now."""
        return RingReport.decode((await self.command(Opcode.INFO)).params)

    async def backfill(self, wanted: Backfill) -> tuple[Backfill, BackfillDone]:
        """Fetch samples from the ring; returns what was promised and what was sent.

        Raises:
            CommandRefusedError: The ring does not hold them (any more), or the transfer was aborted.
            PeerError: It stalled.
        """
        async with self._commanding:
            token = self._next_token()
            done = self._expect(token, done=True)
            try:
                accepted = await self._exchange(Request(Opcode.BACKFILL, token, wanted.encode()))
                final = await self._patiently(done)
            finally:
                self._replies.pop((token, True), None)
        _check(final, "end a backfill")
        return Backfill.decode(accepted.params), BackfillDone.decode(final.params)

    async def command(self, opcode: Opcode, params: bytes = b"") -> Reply:
        """Send a command and return its reply.

        Raises:
            CommandRefusedError: The reply has a status other than success.
            PeerError: No reply came.
        """
        async with self._commanding:
            return await self._exchange(Request(opcode, self._next_token(), params))

    async def _exchange(self, request: Request) -> Reply:
        answer = self._expect(request.token, done=False)
        try:
            await self._client.write_gatt_char(gatt.CONTROL, request.encode(), response=True)
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                reply = await answer
        except TimeoutError:
            raise PeerError(
                f"The sensor did not answer {Opcode(request.opcode).name} within {REPLY_TIMEOUT_S:g} s."
            ) from None
        finally:
            self._replies.pop((request.token, False), None)
        _check(reply, Opcode(request.opcode).name)
        return reply

    async def _patiently(self, done: "asyncio.Future[Reply]") -> Reply:
        """Wait for the end of a transfer for as long as something still arrives."""
        while True:
            arrivals = self._arrivals
            finished, _ = await asyncio.wait({done}, timeout=STALL_TIMEOUT_S)
            if finished:
                return done.result()
            if self._arrivals == arrivals:
                raise PeerError(f"A backfill brought nothing for {STALL_TIMEOUT_S:g} s.")

    def _expect(self, token: int, *, done: bool) -> "asyncio.Future[Reply]":
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[token, done] = future
        return future

    def _next_token(self) -> int:
        self._token = (self._token + 1) % 256
        return self._token

    def _taker(self, kind: RecordKind) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        def take(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
            self._arrivals += 1
            self._on_record(kind, bytes(value))
            if kind is RecordKind.CONTROL_REPLY:
                self._answer(bytes(value))

        return take

    def _answer(self, value: bytes) -> None:
        try:
            reply = Reply.decode(value)
        except FrameError:
            return  # recorded and counted with all that is broken; the command it was meant for will time out
        future = self._replies.get((reply.token, reply.done))
        if future is not None and not future.done():
            future.set_result(reply)


def _check(reply: Reply, what: str) -> None:
    if reply.status is not Status.SUCCESS:
        raise CommandRefusedError(f"The sensor answered {what} with {reply.status.name}.", status=reply.status)


def _text(value: bytearray) -> str:
    return bytes(value[:120]).decode("utf-8", "replace").strip("\0 ")
