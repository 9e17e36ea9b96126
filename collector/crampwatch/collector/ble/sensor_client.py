"""Client of a CWS v1 sensor over one connection: acknowledged commands, and every received value as a record.

A command is written to the control characteristic with a token; the sensor replies by a notification with the same
token. A backfill is answered twice: at once (accepted), and at its end (done). One command is under way at a time,
since a sensor need not queue them.
"""

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
"""A reply takes one or two connection events (0.1 s); after seconds it will not come any more."""
STALL_TIMEOUT_S: Final = 10.0
"""A backfill during which nothing arrives for this long will not end by itself."""
_NOTIFICATIONS: Final = {
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

    Everything received goes to `on_record` first, in the order of arrival, before it is interpreted.

    Args:
        client: Connected and encrypted.
        on_record: Called with each received value.
        monotonic_ns: Clock to measure round trips with.
    """

    def __init__(
        self, client: BleakClient, on_record: OnRecord, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._client = client
        self._on_record = on_record
        self._monotonic_ns = monotonic_ns
        self._token = 0
        self._replies: dict[tuple[int, bool], asyncio.Future[Reply]] = {}
        self._command_lock = asyncio.Lock()
        self._arrivals = 0

    async def read_identity(self) -> dict[str, str]:
        """Return the Device Information strings the sensor has: ``serial``, ``model``, ``firmware``, ``maker``."""
        wanted = {
            "serial": gatt.SERIAL_NUMBER,
            "model": gatt.MODEL_NUMBER,
            "firmware": gatt.FIRMWARE_REVISION,
            "maker": gatt.MANUFACTURER_NAME,
        }
        present = {name: uuid for name, uuid in wanted.items() if self._client.services.get_characteristic(uuid)}
        return {name: _decode_text(await self._client.read_gatt_char(uuid)) for name, uuid in present.items()}

    async def read_info(self) -> Info:
        """Read the description of the sensor and its streams.

        Raises:
            FrameError: It cannot be decoded.
        """
        value = bytes(await self._client.read_gatt_char(gatt.INFO))
        self._on_record(RecordKind.INFO, value)
        return Info.decode(value)

    async def subscribe(self) -> None:
        """Subscribe to all notifications; start streams only then, or their beginning may be lost.

        Raises:
            PeerError: The sensor lacks a characteristic that CWS v1 requires.
        """
        for uuid, kind in _NOTIFICATIONS.items():
            characteristic = self._client.services.get_characteristic(uuid)
            if characteristic is not None:
                await self._client.start_notify(characteristic, self._notification_handler(kind))
            elif uuid not in _OPTIONAL:
                raise PeerError(
                    f"The sensor has no characteristic {uuid}, which CWS v1 requires.",
                    advice="Update its firmware; docs/protocol.md lists what it must have.",
                )

    async def read_vitals(self) -> None:
        """Read temperature and battery once: notifications come only when they change."""
        for uuid in (gatt.TEMPERATURE, gatt.BATTERY_LEVEL):
            if self._client.services.get_characteristic(uuid) is not None:
                self._on_record(_NOTIFICATIONS[uuid], bytes(await self._client.read_gatt_char(uuid)))

    async def sync(self) -> SyncReply:
        """Read the sensor's clock and sample index, and record them with the round trip around the reading."""
        before_ns = self._monotonic_ns()
        reply = await self.command(Opcode.SYNC, (time.time_ns() // 1000).to_bytes(8, "little"))
        after_ns = self._monotonic_ns()
        answer = SyncReply.decode(reply.params)
        exchange = SyncExchange(before_ns, after_ns, answer.ticks, answer.index)
        self._on_record(RecordKind.SYNC, exchange.encode())
        return answer

    async def start_streams(self, streams: tuple[int, ...]) -> None:
        """Start streams."""
        await self.command(Opcode.START, stream_mask(streams))

    async def read_rings(self) -> RingReport:
        """Return which samples the ring buffers hold now."""
        return RingReport.decode((await self.command(Opcode.INFO)).params)

    async def backfill(self, request: Backfill) -> tuple[Backfill, BackfillDone]:
        """Fetch samples from a ring buffer; return what the sensor accepted to send, and what it has sent.

        Raises:
            CommandRefusedError: The ring does not hold the samples (any more), or the transfer was aborted.
            PeerError: The transfer stalled.
        """
        async with self._command_lock:
            token = self._next_token()
            done = self._expect_reply(token, done=True)
            try:
                accepted = await self._send_and_wait(Request(Opcode.BACKFILL, token, request.encode()))
                final = await self._wait_for_end(done)
            finally:
                self._replies.pop((token, True), None)
        _raise_if_refused(final, "the end of a backfill")
        return Backfill.decode(accepted.params), BackfillDone.decode(final.params)

    async def command(self, opcode: Opcode, params: bytes = b"") -> Reply:
        """Send a command and return its reply.

        Raises:
            CommandRefusedError: The reply has a status other than success.
            PeerError: No reply came.
        """
        async with self._command_lock:
            return await self._send_and_wait(Request(opcode, self._next_token(), params))

    async def _send_and_wait(self, request: Request) -> Reply:
        answer = self._expect_reply(request.token, done=False)
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
        _raise_if_refused(reply, Opcode(request.opcode).name)
        return reply

    async def _wait_for_end(self, done: "asyncio.Future[Reply]") -> Reply:
        """Wait for the end of a transfer, as long as anything still arrives."""
        while True:
            arrivals = self._arrivals
            finished, _ = await asyncio.wait({done}, timeout=STALL_TIMEOUT_S)
            if finished:
                return done.result()
            if self._arrivals == arrivals:
                raise PeerError(f"The sensor sent nothing for {STALL_TIMEOUT_S:g} s during a backfill.")

    def _expect_reply(self, token: int, *, done: bool) -> "asyncio.Future[Reply]":
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[token, done] = future
        return future

    def _next_token(self) -> int:
        self._token = (self._token + 1) % 256
        return self._token

    def _notification_handler(self, kind: RecordKind) -> Callable[[BleakGATTCharacteristic, bytearray], None]:
        def handle(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
            self._arrivals += 1
            self._on_record(kind, bytes(value))
            if kind is RecordKind.CONTROL_REPLY:
                self._resolve_reply(bytes(value))

        return handle

    def _resolve_reply(self, value: bytes) -> None:
        try:
            reply = Reply.decode(value)
        except FrameError:
            return  # recorded, and counted as a broken frame; the command it was meant for times out
        future = self._replies.get((reply.token, reply.done))
        if future is not None and not future.done():
            future.set_result(reply)


def _raise_if_refused(reply: Reply, command: str) -> None:
    if reply.status is not Status.SUCCESS:
        raise CommandRefusedError(f"The sensor answered {command} with {reply.status.name}.", status=reply.status)


def _decode_text(value: bytearray) -> str:
    return bytes(value[:120]).decode("utf-8", "replace").strip("\0 ")
