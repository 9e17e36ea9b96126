"""Limits what the NATS server stores for MQTT clients that are away, and reports how much that is.

The server's MQTT layer creates the stream ``$MQTT_msgs`` without a limit, and no option changes that; but the stream's
configuration can be updated through the server's JSON API. This is a minimal client for one request at a time over the
plain NATS protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol), which is a few lines of text:
a NATS library would be a large dependency for two requests.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from crampwatch.bus.endpoint import HOST, Endpoint
from crampwatch.protocol.errors import UnavailableError

__all__ = ["limit_stored_messages", "stored_bytes"]

_STREAM: Final = "$MQTT_msgs"
_INBOX: Final = "_INBOX.crampwatch"
_TIMEOUT_S: Final = 15.0


async def limit_stored_messages(endpoint: Endpoint, *, max_bytes: int, max_age_s: float) -> None:
    """Limit size and age of the stored messages; beyond the limits the oldest ones are dropped.

    Raises:
        UnavailableError: The server does not answer, or refuses.
    """
    async with _session(endpoint) as request:
        info = await request(f"$JS.API.STREAM.INFO.{_STREAM}", {})
        limits = {"max_bytes": max_bytes, "max_age": round(max_age_s * 1e9), "discard": "old"}
        if any(info["config"].get(key) != value for key, value in limits.items()):
            await request(f"$JS.API.STREAM.UPDATE.{_STREAM}", info["config"] | limits)


async def stored_bytes(endpoint: Endpoint) -> int:
    """Return how many bytes are stored at the moment.

    Raises:
        UnavailableError: The server does not answer, or refuses.
    """
    async with _session(endpoint) as request:
        return int((await request(f"$JS.API.STREAM.INFO.{_STREAM}", {}))["state"]["bytes"])


@asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]]:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(HOST, endpoint.control_port)
            try:
                await _log_in(reader, writer, endpoint)
                yield partial(_request, reader, writer)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, KeyError, EOFError) as error:
        raise UnavailableError(
            f"The storage of the embedded broker cannot be read or limited: {error!r}.",
            advice="See its log, nats.log.",
        ) from error


async def _log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: Endpoint) -> None:
    options = {"verbose": False, "pedantic": False, "lang": "python", "user": endpoint.user, "pass": endpoint.password}
    await reader.readline()  # INFO
    writer.write(f"CONNECT {json.dumps(options)}\r\nSUB {_INBOX} 1\r\nPING\r\n".encode())
    answer = await reader.readline()
    if not answer.startswith(b"PONG"):
        raise ValueError(answer.decode(errors="replace").strip())


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subject: str, body: dict[str, Any]
) -> dict[str, Any]:
    payload = json.dumps(body).encode() if body else b""
    writer.write(f"PUB {subject} {_INBOX} {len(payload)}\r\n".encode() + payload + b"\r\n")
    while line := await reader.readline():
        fields = line.split()
        if fields[:1] == [b"PING"]:
            writer.write(b"PONG\r\n")
        elif fields[:1] == [b"MSG"]:
            answer: dict[str, Any] = json.loads(await reader.readexactly(int(fields[-1]) + 2))
            if "error" in answer:
                raise ValueError(answer["error"])
            return answer
        else:
            raise ValueError(line.decode(errors="replace").strip())
    raise EOFError("the server closed the connection")
