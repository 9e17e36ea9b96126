"""The supervisor with real child processes: restarts, endings, and its own death."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from crampwatch.app.supervise.supervisor import Stage, Supervisor, _error_of
from crampwatch.protocol.errors import ConfigurationError, RecordingError, UnavailableError

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


async def test_a_stage_that_would_fail_again_is_not_restarted_and_its_message_is_shown(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(REFUSES, tmp_path, "web"))
        async with asyncio.timeout(20):
            with pytest.raises(UnavailableError, match="Port 8710 is taken"):
                await supervisor.wait_failed()
        assert supervisor.restarts["web"] == 0


async def test_a_stage_that_does_not_end_is_killed(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(STUBBORN, tmp_path))
        pid = supervisor.pid_of("store")
    assert not is_alive(pid)


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        with pytest.raises(UnavailableError, match="cannot be started"):
            await supervisor.start(Stage("broker", ("/nowhere/nats-server",), tmp_path / "log"))


async def test_no_orphan_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from crampwatch.app.supervise.supervisor import Stage, Supervisor, _error_of\n"
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


async def test_a_stage_that_may_end_is_done_and_not_restarted(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(replace(stage("print('up', flush=True)", tmp_path), may_end=True))
        async with asyncio.timeout(20):
            await supervisor.wait_done("store")
        assert supervisor.restarts["store"] == 0
    assert count(tmp_path / "store.log", "up") == 1


async def test_another_stage_is_restarted_even_after_a_clean_end(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage("print('up', flush=True)", tmp_path))
        await logged(tmp_path / "store.log", "up", times=2)
        assert supervisor.restarts["store"] >= 1


async def test_a_restart_uses_what_replaced_the_stage(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage(WAITS, tmp_path))
        await logged(tmp_path / "store.log", "up")
        supervisor.replace(stage(WAITS.replace("'up'", "'other'"), tmp_path))
        os.kill(supervisor.pid_of("store"), signal.SIGKILL)
        await logged(tmp_path / "store.log", "other")


async def test_lower_ranks_end_before_higher_ones(tmp_path: Path) -> None:
    program = "import sys; print('up', flush=True); sys.stdin.read(); print({!r}, flush=True)"
    async with Supervisor() as supervisor:
        for name, rank in (("broker", 2), ("collector", 0), ("store", 1)):
            one = stage(program.format(f"{name} ended"), tmp_path, name, rank=rank)
            await supervisor.start(replace(one, output=tmp_path / "all.log"))
        await logged(tmp_path / "all.log", "up", times=3)
    ends = [line for line in (tmp_path / "all.log").read_text().splitlines() if "ended" in line]
    assert ends == ["collector ended", "store ended", "broker ended"]


async def test_the_announcement_is_the_rest_of_the_ready_line(tmp_path: Path) -> None:
    program = "import sys; print('noise'); print('ready mqtt://x:1', flush=True); sys.stdin.read()"
    async with Supervisor() as supervisor:
        await supervisor.start(replace(stage(program, tmp_path, "broker"), announces=True))
        async with asyncio.timeout(20):
            assert await supervisor.wait_announced("broker") == "mqtt://x:1"


@pytest.mark.parametrize(
    ("code", "kind"), [(2, ConfigurationError), (3, UnavailableError), (4, RecordingError), (1, UnavailableError)]
)
def test_a_run_fails_with_the_stages_own_message(tmp_path: Path, code: int, kind: type[Exception]) -> None:
    failed = stage("", tmp_path)
    failed.output.write_text("noise\ncrampwatch: No such\nthing. Try another.\n")
    error = _error_of(failed, code)
    assert type(error) is kind
    assert "No such thing. Try another." in str(error)
    assert ("could not run (exit code 1)" in str(error)) == (code == 1)


def test_only_the_end_of_a_stages_output_is_searched_for_its_message(tmp_path: Path) -> None:
    failed = stage("", tmp_path)
    failed.output.write_text("crampwatch: The cause." + "x" * 1978)
    assert str(_error_of(failed, 3)).startswith("The cause.")
    failed.output.write_text("crampwatch: The cause." + "x" * 1979)
    assert "could not run" in str(_error_of(failed, 3))


async def test_a_stage_that_writes_nothing_still_gives_a_reason(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(stage("import sys; sys.exit(3)", tmp_path))
        async with asyncio.timeout(20):
            with pytest.raises(UnavailableError, match="it wrote no message"):
                await supervisor.wait_failed()


async def test_a_stage_that_may_end_is_restarted_after_an_error(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(
            replace(stage("import sys; print('up', flush=True); sys.exit(1)", tmp_path), may_end=True)
        )
        await logged(tmp_path / "store.log", "up", times=2)
