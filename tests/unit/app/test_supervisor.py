"""The supervisor with real child processes: restarts, endings, and its own death."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from crampwatch.app.supervise.supervisor import Stage, Supervisor
from crampwatch.protocol.errors import UnavailableError

WAITS = "import sys; print('up', flush=True); sys.stdin.read(); print('ended', flush=True)"
STUBBORN = "import time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
REFUSES = "import sys; print('Port 8710 is taken.'); sys.exit(3)"


def stage(program: str, folder: Path, name: str = "store", *, rank: int = 0) -> Stage:
    return Stage(name, (sys.executable, "-c", program), folder / f"{name}.log", rank=rank)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "(python" in Path(f"/proc/{pid}/stat").read_text() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


def count(path: Path, text: str) -> int:
    return path.read_text().count(text) if path.exists() else 0


async def logged(path: Path, text: str, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while count(path, text) < times:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.02)


async def test_a_stage_ends_when_its_input_ends(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(WAITS, tmp_path))
        await logged(tmp_path / "store.log", "up")
        pid = supervisor.pid_of("store")
    assert not is_alive(pid)
    assert "ended" in (tmp_path / "store.log").read_text()


async def test_a_killed_stage_is_restarted(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(WAITS, tmp_path))
        await logged(tmp_path / "store.log", "up")
        os.kill(supervisor.pid_of("store"), signal.SIGKILL)
        await logged(tmp_path / "store.log", "up", times=2)
        assert supervisor.restarts["store"] == 1


async def test_a_stage_that_would_fail_again_is_not_restarted_and_speaks_for_itself(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(REFUSES, tmp_path, "web"))
        async with asyncio.timeout(20):
            with pytest.raises(UnavailableError, match="Port 8710 is taken"):
                await supervisor.wait_failed()
        assert supervisor.restarts["web"] == 0


async def test_a_stage_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(STUBBORN, tmp_path))
        pid = supervisor.pid_of("store")
    assert not is_alive(pid)


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        with pytest.raises(UnavailableError, match="cannot be started"):
            await supervisor.start(Stage("broker", ("/nowhere/nats-server",), tmp_path / "log"))


async def test_no_orphan_stays_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from crampwatch.app.supervise.supervisor import Stage, Supervisor\n"
        "async def main():\n    async with Supervisor() as s:\n"
        f"        await s.start(Stage('store', (sys.executable, '-c', {WAITS!r}), Path(sys.argv[1])))\n"
        "        print(s.pid_of('store'), flush=True)\n        await asyncio.sleep(600)\nasyncio.run(main())"
    )
    log = tmp_path / "store.log"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(log), stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    await logged(log, "up")
    parent.kill()
    await parent.wait()
    await logged(log, "ended")
    async with asyncio.timeout(10):
        while is_alive(child):  # noqa: ASYNC110  # not our child any more: nobody tells us of its end
            await asyncio.sleep(0.02)
