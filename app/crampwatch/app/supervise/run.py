"""Running all stages together, from the first to the last word: what `demo`, `wear` and `replay` do."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from crampwatch.app.analysis.final_registry import pending
from crampwatch.app.supervise.build import broker_address
from crampwatch.app.supervise.console import Teller
from crampwatch.app.supervise.plan import Plan
from crampwatch.app.supervise.status import RunSummary, Tally
from crampwatch.app.supervise.supervisor import Supervisor, spawn
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.metrics import report_unreadable
from crampwatch.protocol import messages
from crampwatch.protocol.errors import FrameError, UnavailableError
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["launch"]

_READY_S: Final = 60.0
"""A small machine that starts five Python programs at once takes its time."""
_HURRIED_COLLECTOR_S: Final = 2.0
_HURRY_S: Final = 1.0
"""For the collector, and for each of two further rounds, when a person waits: under the 5 s promised."""
_PATIENT_S: Final = 10.0
_VERDICT_S: Final = 1800.0
"""A long night on a slow machine: about a minute is usual."""
_SETTLE_S: Final = 5.0
_WATCHED: Final = (Leaf.STATUS, Leaf.INFO, Leaf.LINK, Leaf.STATE, Leaf.EPISODE, Leaf.NOTICE)
Answer = TypeVar("Answer")
_log: Final = logging.getLogger(__name__)


async def launch(plan: Plan, *, stop: asyncio.Event, teller: Teller) -> RunSummary:
    """Start all stages, watch over them, and end them.

    Args:
        plan: What to start.
        stop: Set when a person wants it to end; everything has ended within 5 s then.
        teller: Told what happens.

    Raises:
        CrampwatchError: A stage cannot run.
    """
    async with Supervisor() as supervisor:
        run = _Run(plan, supervisor, teller, stop)
        try:
            return await run.play()
        finally:
            supervisor.farewell_s = _HURRY_S if stop.is_set() else _PATIENT_S


class _Run:
    """One run: its stages and what was heard of them."""

    def __init__(self, plan: Plan, supervisor: Supervisor, teller: Teller, stop: asyncio.Event) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._teller = teller
        self._stop = stop
        self._tally = Tally(since_ns=time.time_ns(), origin=plan.origin)
        self._changed = asyncio.Event()
        self._broker: BrokerAddress | None = None

    async def play(self) -> RunSummary:
        if self._plan.simulate:  # at once: its signal takes longest to be ready
            await self._supervisor.start(self._plan.simulator())
        await self._unless_stopped(self._start_broker())
        if self._stop.is_set():
            return self._summary(final=False)
        async with self._listening():
            url = await self._unless_stopped(self._start_others())
            if url is not None:
                self._teller.ready(url, self._plan)
                await self._unless_stopped(self._until_over())
            return await self._finish()

    async def _start_broker(self) -> None:
        if self._plan.settings.broker.url:
            self._broker = broker_address(self._plan.settings, "reader")
            return
        await self._supervisor.start(self._plan.broker())
        self._broker = BrokerAddress.parse(await self._supervisor.announcement("broker"))

    async def _start_others(self) -> str:
        """Start the rest; return the page's address once every stage is there."""
        plan, supervisor = self._plan, self._supervisor
        for stage in plan.followers():
            await supervisor.start(stage)
        radio = await self._simulator_address() if plan.simulate else None
        await supervisor.start(plan.collector(radio))
        names = {"collector", "detector", "store", "web"}
        try:
            async with asyncio.timeout(_READY_S):
                await self._until(lambda: names <= self._tally.online.keys())
        except TimeoutError:
            missing = ", ".join(sorted(names - self._tally.online.keys()))
            raise UnavailableError(
                f"After {_READY_S:g} s this is still not ready: {missing}.",
                advice=f"The logs are in {plan.folder.logs}.",
            ) from None
        url = self._tally.online["web"]
        supervisor.change(plan.page(urlsplit(url).port))  # were it to die, the next one has the same address
        return url

    async def _simulator_address(self) -> str:
        """Wait for the simulator; were it to die, the next one listens at the same address."""
        radio = await self._supervisor.announcement("simulate")
        self._supervisor.change(self._plan.simulator(radio))
        return radio

    async def _until_over(self) -> None:
        """Return when the run is to end by itself, if ever."""
        limits = [asyncio.ensure_future(self._supervisor.failure())]
        if self._plan.duration_s is not None:
            limits.append(asyncio.ensure_future(self._last(self._plan.duration_s)))
        if self._plan.ends_with_recording:
            limits.append(asyncio.ensure_future(self._supervisor.done("collector")))
        if self._plan.mode == "wear":
            limits.append(asyncio.ensure_future(self._judge_pending()))
        try:
            done, _ = await asyncio.wait(limits, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in limits:
                one.cancel()
            await asyncio.gather(*limits, return_exceptions=True)

    async def _last(self, duration_s: float) -> None:
        """Return after so long; where the signal is played, after so much of it: a slow start is no part of it."""
        if self._plan.simulate:
            await self._until(self._tally.hears_signal)
        await asyncio.sleep(duration_s)

    async def _judge_pending(self) -> None:
        """Judge what an earlier run had no time for, then wait for ever."""
        if pending(self._plan.folder):
            await self._judge(_VERDICT_S)
        await asyncio.Event().wait()

    async def _finish(self) -> RunSummary:
        """End the recording, let it be judged as a whole where nobody waits, and say what it came to."""
        hurried = self._stop.is_set()
        self._supervisor.farewell_s = _HURRIED_COLLECTOR_S if hurried else _PATIENT_S
        await self._supervisor.end("collector")
        if hurried or not self._tally.infos:
            return self._summary(final=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._until(self._tally.is_quiet)
        self._teller.judging()
        final = await self._unless_stopped(self._judge(_VERDICT_S))
        return self._summary(final=bool(final))

    async def _judge(self, timeout_s: float) -> bool:
        """Let ended sessions be judged by a program of its own; return whether it had the time."""
        process = await spawn(self._plan.finaliser())
        try:
            async with asyncio.timeout(timeout_s):
                code = await process.wait()
        except TimeoutError:
            _log.warning("there was no time for the final verdict: `crampwatch finalise` makes up for it")
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            _log.warning("the final verdict failed with code %d", code)
        return code == 0

    def _summary(self, *, final: bool) -> RunSummary:
        return self._tally.summary(final=final, restarts=dict(self._supervisor.restarts))

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Hear what the stages say for as long as the context lasts."""
        assert self._broker is not None, "started"
        async with Bus(self._broker, client_id=f"crampwatch-run-{os.getpid()}", first_timeout_s=10.0) as bus:
            for leaf in _WATCHED:
                await bus.subscribe(leaf_filter(leaf), leaf.qos)
            hearing = asyncio.create_task(self._hear(bus), name="hear")
            try:
                yield
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, bus: Bus) -> None:
        async for received in bus.messages():
            try:
                message = messages.decode_for_topic(Topic.parse(received.topic), received.payload)
            except FrameError as error:
                report_unreadable(received.topic, error)
                continue
            finally:
                received.ack()
            self._tally.take(message)
            if isinstance(message, messages.Notice):
                self._teller.notice(message)
            self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def _unless_stopped(self, work: Awaitable[Answer]) -> Answer | None:
        """Do something unless or until a person wants the end, or a stage cannot run."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        failing = asyncio.ensure_future(self._supervisor.failure())
        try:
            await asyncio.wait([working, stopping, failing], return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            return working.result() if working.done() else None
        finally:
            for one in (working, stopping, failing):
                one.cancel()
            await asyncio.gather(working, stopping, failing, return_exceptions=True)
