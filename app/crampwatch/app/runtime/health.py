"""How a service is: ``/healthz`` for whoever restarts or waits for it, ``/metrics`` for Prometheus.

Written out rather than taken from a web framework, so that a detector on a small machine does not carry one. It answers
GET and knows two paths; whatever else is asked is refused and the connection closed.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from crampwatch.app.cli.version import version_text
from crampwatch.app.config.settings import OpsSettings
from crampwatch.bus import metrics
from crampwatch.protocol.errors import UnavailableError
from prometheus_client import CONTENT_TYPE_LATEST, Info, generate_latest

__all__ = ["HealthCheck", "check_broker", "serve_health"]

HealthCheck = Callable[[], str]
"""Says what is wrong with the service, in words; empty where nothing is."""
_LONGEST_REQUEST: Final = 8192
_PATIENCE_S: Final = 5.0
_VERSION: Final = Info("crampwatch", "The program.")
_log: Final = logging.getLogger(__name__)


def check_broker() -> str:
    """Say whether the broker is away; what a service does meanwhile, it keeps."""
    value = next(iter(metrics.CONNECTED.collect())).samples[0].value
    return "" if value else "the MQTT broker is away or refuses the login"


@contextlib.asynccontextmanager
async def serve_health(settings: OpsSettings, service: str, ailment: HealthCheck) -> AsyncIterator[None]:
    """Answer for as long as the context lasts; nothing is opened where no port is set.

    Raises:
        UnavailableError: The port cannot be had.
    """
    if not settings.port:
        yield
        return
    _VERSION.info({"version": version_text(), "service": service})
    try:
        server = await asyncio.start_server(
            lambda reader, writer: _converse(reader, writer, service, ailment),
            settings.host,
            settings.port,
            limit=_LONGEST_REQUEST,
        )
    except OSError as error:
        raise UnavailableError(
            f"/healthz and /metrics cannot be served at {settings.host}:{settings.port}: {error.strerror or error}.",
            advice="Choose another --ops-port, or 0 for none.",
        ) from error
    async with server:
        yield


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str, ailment: HealthCheck
) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(request.split(b"\r\n", 1)[0], service, ailment))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        _log.debug("a request for health or metrics was not understood: %r", error)
    finally:
        writer.close()


def _answer(line: bytes, service: str, ailment: HealthCheck) -> bytes:
    match line.split():
        case [b"GET", b"/healthz", _]:
            said = ailment()
            body = {"service": service, "status": "unwell" if said else "ok", "why": said, "version": version_text()}
            return _response("503 Service Unavailable" if said else "200 OK", "application/json", json.dumps(body))
        case [b"GET", b"/metrics", _]:
            return _response("200 OK", CONTENT_TYPE_LATEST, generate_latest().decode())
        case [b"GET", _, _]:
            return _response("404 Not Found", "text/plain", "There are /healthz and /metrics.\n")
    return _response("405 Method Not Allowed", "text/plain", "Only GET is understood.\n")


def _response(status: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
