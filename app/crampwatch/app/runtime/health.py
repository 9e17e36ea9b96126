"""Health and metrics of a service over HTTP: ``/healthz`` for supervisors, ``/metrics`` for Prometheus.

Of HTTP only what these two need: GET, two paths, one request per connection, so that a detector on a small machine need
not load a web framework. Requests may come from anyone on the network: their size and duration are limited.
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
"""Returns what is wrong with the service, as a clause; empty if it is healthy."""
_LONGEST_REQUEST_BYTES: Final = 8192
"""Of a request's head; browsers and Prometheus send less than one kilobyte."""
_REQUEST_TIMEOUT_S: Final = 5.0
_VERSION: Final = Info("crampwatch", "The program.")
_log: Final = logging.getLogger(__name__)


def check_broker() -> str:
    """Return what is wrong with the connection to the broker; the usual check of a service."""
    value = next(iter(metrics.CONNECTED.collect())).samples[0].value
    return "" if value else "the MQTT broker is away or refuses the login"


@contextlib.asynccontextmanager
async def serve_health(settings: OpsSettings, service: str, check: HealthCheck) -> AsyncIterator[None]:
    """Serve both paths within the context; without a port in the settings, do nothing.

    Raises:
        UnavailableError: The port is in use, or not permitted.
    """
    if not settings.port:
        yield
        return
    _VERSION.info({"version": version_text(), "service": service})
    try:
        server = await asyncio.start_server(
            lambda reader, writer: _handle_connection(reader, writer, service, check),
            settings.host,
            settings.port,
            limit=_LONGEST_REQUEST_BYTES,
        )
    except OSError as error:
        raise UnavailableError(
            f"/healthz and /metrics cannot be served at {settings.host}:{settings.port}: {error.strerror or error}.",
            advice="Choose another --ops-port, or 0 for none.",
        ) from error
    async with server:
        yield


async def _handle_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str, check: HealthCheck
) -> None:
    try:
        async with asyncio.timeout(_REQUEST_TIMEOUT_S):
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(_respond(request.split(b"\r\n", 1)[0], service, check))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        _log.debug("ignored a request for health or metrics: %r", error)
    finally:
        writer.close()


def _respond(line: bytes, service: str, check: HealthCheck) -> bytes:
    match line.split():
        case [b"GET", b"/healthz", _]:
            problem = check()
            body = {
                "service": service,
                "status": "unwell" if problem else "ok",
                "why": problem,
                "version": version_text(),
            }
            return _response("503 Service Unavailable" if problem else "200 OK", "application/json", json.dumps(body))
        case [b"GET", b"/metrics", _]:
            return _response("200 OK", CONTENT_TYPE_LATEST, generate_latest().decode())
        case [b"GET", _, _]:
            return _response("404 Not Found", "text/plain", "Only /healthz and /metrics exist here.\n")
    return _response("405 Method Not Allowed", "text/plain", "Only GET is supported.\n")


def _response(status: str, kind: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
