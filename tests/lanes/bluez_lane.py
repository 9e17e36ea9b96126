"""Lane B: a simulated sensor in the air, and a stand-in for bluetoothd on a D-Bus that bleak takes for the system's."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from crampwatch.firmware_sim.radio.options import SensorOptions, SimulatorOptions
from crampwatch.firmware_sim.radio.service import Simulator
from crampwatch.firmware_sim.scenarios import scenario
from lanes.lanes import require_program
from lanes.patience import PATIENCE_S

__all__ = ["sensor_behind_bluez"]


@contextlib.asynccontextmanager
async def _program(*command: str, ready: bytes | None = None) -> AsyncIterator[bytes]:
    """Run a program while the block runs; gives its first line of output, which must contain ``ready``."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await process.stdout.readline()
        assert (ready or b"") in line
        yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def sensor_behind_bluez(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """A simulated sensor in the air, and BlueZ on the system bus that this process sees."""
    dbus = require_program("dbus-daemon", "dbus")
    sensor = SensorOptions("CW-B1UE", partial(scenario, "quiet", seed=1))
    simulator = Simulator(SimulatorOptions((sensor,), listen="127.0.0.1:0", bond_path=folder / "sensor.json"))
    address = await simulator.start()
    try:
        async with _program(str(dbus), "--session", "--nofork", "--nosyslog", "--print-address=1") as line:
            bus_address = line.decode().strip()
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_address)
            daemon = str(Path(__file__).parents[1] / "contract" / "radio" / "bluez_daemon.py")
            keystore = str(folder / "bonds.json")
            async with _program(sys.executable, daemon, bus_address, f"tcp-client:{address}", keystore, ready=b"ready"):
                yield simulator
    finally:
        await simulator.stop()
