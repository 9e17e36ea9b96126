"""The shell around every stage where no broker answers: its tasks, and how long it takes to leave."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.endpoint import HOST, free_port
from crampwatch.bus.service import FAREWELL_S, ServiceShell, TaskSet, run_until_first_ends
from crampwatch.protocol.errors import UnavailableError
from lanes.patience import PATIENCE_S

Work = Callable[[], Coroutine[object, object, None]]


def shell(*, farewell_s: float = 0.05, before_offline: Work | None = None) -> ServiceShell:
    address = BrokerAddress(HOST, free_port())
    return ServiceShell("detector", address, client_id="c", farewell_s=farewell_s, before_offline=before_offline)


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise UnavailableError("the disk is full")


async def return_at_once() -> None:
    return


async def test_the_first_to_end_ends_all_and_its_error_is_raised_as_it_is() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("wait")

    async def fail_later() -> None:
        await asyncio.sleep(0)
        raise UnavailableError("the broker refuses us")

    with pytest.raises(UnavailableError, match="refuses"):
        await run_until_first_ends(wait(), fail_later(), wait())
    assert ended == ["wait", "wait"]


async def test_the_first_to_end_may_end_without_an_error() -> None:
    async with asyncio.timeout(PATIENCE_S):
        await run_until_first_ends(forever(), return_at_once())


async def test_of_two_that_end_at_once_the_failure_is_raised() -> None:
    with pytest.raises(UnavailableError, match="disk is full"):
        await run_until_first_ends(return_at_once(), fail())


async def test_a_task_may_start_further_tasks_whose_failure_ends_all() -> None:
    async def start_another(tasks: TaskSet) -> None:
        tasks.start(fail())
        await forever()

    async with TaskSet() as tasks:
        tasks.start(start_another(tasks))
        with pytest.raises(UnavailableError, match="disk is full"):
            await tasks.first_ended()


async def test_tasks_are_named_after_their_work() -> None:
    names: list[str] = []

    async def drain() -> None:
        task = asyncio.current_task()
        names.append(task.get_name() if task is not None else "")

    await run_until_first_ends(drain())
    assert names[0].endswith("drain")


async def test_what_goes_wrong_while_a_task_is_cancelled_does_not_hide_why_it_was() -> None:
    async def stumble() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    with pytest.raises(UnavailableError, match="disk is full"):
        await run_until_first_ends(stumble(), fail())


async def test_a_service_runs_until_it_is_stopped_though_no_broker_answers() -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE_S), shell() as one:
        running = asyncio.create_task(one.run(forever(), stop=stop))
        await asyncio.sleep(0)
        assert not running.done()
        stop.set()
        await running


async def test_a_service_ends_with_the_error_of_its_work() -> None:
    with pytest.raises(UnavailableError, match="disk is full"):
        async with shell() as one:
            await one.run(fail(), stop=asyncio.Event())


async def test_leaving_takes_no_longer_than_the_farewell_while_the_broker_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    clock = asyncio.get_running_loop().time
    async with shell(farewell_s=0.1):
        began_s = clock()
    assert 0.1 <= clock() - began_s < PATIENCE_S
    assert "it will publish by itself that the detector is offline" in caplog.text


async def test_what_is_published_before_leaving_has_the_same_time_limit() -> None:
    is_cut_off = False

    async def publish_rest() -> None:
        nonlocal is_cut_off
        try:
            await asyncio.Event().wait()
        finally:
            is_cut_off = True

    async with asyncio.timeout(PATIENCE_S), shell(before_offline=publish_rest):
        pass
    assert is_cut_off


def test_a_stage_that_must_finish_its_work_first_still_ends_before_the_supervisor_kills_it() -> None:
    # The supervisor waits 1.5 s; the detector takes up to 1 s for the message in hand.
    assert pytest.approx(0.5) == FAREWELL_S
