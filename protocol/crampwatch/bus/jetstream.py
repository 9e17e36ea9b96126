"""Bounds what the NATS server keeps for MQTT clients that stay away, and tells how much it is.

Its MQTT layer makes the stream ``$MQTT_msgs`` without any limit, and no option changes that; the stream's own
configuration can be, through the server's JSON API. Written for one request at a time over the plain NATS protocol
(https://docs.nats.io/reference/reference-protocols/nats-protocol), which is a few lines of text.
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


async def limit_stored_messages(endpoint: Endpoint, *, max_octets: int, max_age_s: float) -> None:
    """Let the oldest messages go first, once the stored ones take more space or are older than this.

    Raises:
        UnavailableError: The server does not answer, or refuses.
    """
    async with _session(endpoint) as ask:
        info = await ask(f"$JS.API.STREAM.INFO.{_STREAM}", {})
        wanted = {"max_bytes": max_octets, "max_age": round(max_age_s * 1e9), "discard": "old"}
        if any(info["config"].get(key) != value for key, value in wanted.items()):
            await ask(f"$JS.API.STREAM.UPDATE.{_STREAM}", info["config"] | wanted)


async def stored_bytes(endpoint: Endpoint) -> int:
    """Return how much is kept at the moment.

    Raises:
        UnavailableError: The server does not answer, or refuses.
    """
    async with _session(endpoint) as ask:
        return int((await ask(f"$JS.API.STREAM.INFO.{_STREAM}", {}))["state"]["bytes"])


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
            f"The embedded broker does not tell or bound what it stores: {error!r}.", advice="Its log tells more."
        ) from error


async def _log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: Endpoint) -> None:
    hello = {"verbose": False, "pedantic": False, "lang": "python", "user": endpoint.user, "pass": endpoint.password}
    await reader.readline()  # INFO
    writer.write(f"CONNECT {json.dumps(hello)}\r\nSUB {_INBOX} 1\r\nPING\r\n".encode())
    answer = await reader.readline()
    if not answer.startswith(b"PONG"):
        raise ValueError(answer.decode(errors="replace").strip())


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subject: str, body: dict[str, Any]
) -> dict[str, Any]:
    payload = json.dumps(body).encode() if body else b""
    writer.write(f"PUB {subject} {_INBOX} {len(payload)}\r\n".encode() + payload + b"\r\n")
    while line := await reader.readline():
        words = line.split()
        if words[:1] == [b"PING"]:
            writer.write(b"PONG\r\n")
        elif words[:1] == [b"MSG"]:
            answer: dict[str, Any] = json.loads(await reader.readexactly(int(words[-1]) + 2))
            if "error" in answer:
                raise ValueError(answer["error"])
            return answer
        else:
            raise ValueError(line.decode(errors="replace").strip())
    raise EOFError("the server closed the connection")
