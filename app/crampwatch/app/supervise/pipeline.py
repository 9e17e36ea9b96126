"""One run of the whole pipeline, from the start of its stages to the final analysis of what was recorded.

The order, which `demo`, `wear` and `replay` share:

1. The simulator starts first where there is one, since its signal takes longest to be ready; then the broker.
2. Detector, store and page start, then the collector; the run is ready once each has published that it is online.
3. The run lasts until the user stops it, its duration is over, the recording has been played, or a stage is given up.
   A `wear` meanwhile analyses sessions that an earlier run left without a final result.
4. The collector ends, which ends the session. Nobody waits for `demo --for` or `replay`, so the session is then
   analysed as a whole, by a program of its own. After Ctrl-C everything ends within 5 s instead; `run.py` starts the
   analysis when all stages have ended.

Step 2 to 4 can be cut short by the user or by a stage that cannot run; `_unless_stopped` is where both are handled.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from crampwatch.app.config.addresses import broker_address
from crampwatch.app.final_analysis.files import sessions_to_finalise
from crampwatch.app.supervise.console import RunConsole
from crampwatch.app.supervise.plan import Plan
from crampwatch.app.supervise.status import RunStatus, RunSummary
from crampwatch.app.supervise.supervisor import Supervisor, spawn
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.metrics import report_unreadable
from crampwatch.protocol import messages
from crampwatch.protocol.errors import FrameError, UnavailableError
from crampwatch.protocol.topics import Leaf, Topic, leaf_filter

__all__ = ["run_pipeline"]

_READY_TIMEOUT_S: Final = 60.0
"""A small machine that starts five Python programs at once takes its time."""
_HURRIED_COLLECTOR_S: Final = 2.0
_HURRIED_S: Final = 1.0
"""For the collector, and for each of two further ranks, after Ctrl-C: together below the 5 s promised."""
_PATIENT_S: Final = 10.0
"""For each rank where nobody waits: time to write everything."""
_FINAL_ANALYSIS_TIMEOUT_S: Final = 1800.0
"""For a long night on a slow machine; about a minute is usual."""
_DETECTOR_TIMEOUT_S: Final = 5.0
"""For the detector to finish with what the collector sent last."""
_FIRST_CONNECT_TIMEOUT_S: Final = 10.0
_LEAVES: Final = (Leaf.STATUS, Leaf.INFO, Leaf.LINK, Leaf.STATE, Leaf.EPISODE, Leaf.NOTICE)
_NEEDED: Final = frozenset({"collector", "detector", "store", "web"})
"""Services without which a run is not ready; Home Assistant may come later."""
Result = TypeVar("Result")
_log: Final = logging.getLogger(__name__)


async def run_pipeline(plan: Plan, *, stop: asyncio.Event, console: RunConsole) -> RunSummary:
    """Start all stages, keep them running, and end them.

    Args:
        plan: What to start.
        stop: Set when the user wants the run to end; everything has then ended within 5 s.
        console: Shows what happens.

    Raises:
        CrampwatchError: A stage cannot run.
    """
    async with Supervisor() as supervisor:
        run = _Run(plan, supervisor, console, stop)
        try:
            return await run.run()
        finally:
            supervisor.grace_s = _HURRIED_S if stop.is_set() else _PATIENT_S


class _Run:
    """The stages of one run and the state they publish."""

    def __init__(self, plan: Plan, supervisor: Supervisor, console: RunConsole, stop: asyncio.Event) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._console = console
        self._stop = stop
        self._status = RunStatus(since_ns=time.time_ns(), origin=plan.origin)
        self._changed = asyncio.Event()
        self._broker: BrokerAddress | None = None

    async def run(self) -> RunSummary:
        if self._plan.simulate:
            await self._supervisor.start(self._plan.simulator())
        await self._unless_stopped(self._start_broker())
        if self._stop.is_set():
            return self._summary(final=False)
        async with self._subscribed():
            url = await self._unless_stopped(self._start_stages())
            if url is not None:
                self._console.show_ready(url, self._plan)
                await self._unless_stopped(self._until_over())
            return await self._finish()

    async def _start_broker(self) -> None:
        if self._plan.settings.broker.url:
            self._broker = broker_address(self._plan.settings, "reader")
            return
        await self._supervisor.start(self._plan.broker())
        self._broker = BrokerAddress.parse(await self._supervisor.wait_announced("broker"))

    async def _start_stages(self) -> str:
        """Start the stages after the broker; return the page's address once all of them are online."""
        plan, supervisor = self._plan, self._supervisor
        for stage in plan.followers():
            await supervisor.start(stage)
        radio = await self._simulator_address() if plan.simulate else None
        await supervisor.start(plan.collector(radio))
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await self._until(lambda: self._status.online.keys() >= _NEEDED)
        except TimeoutError:
            missing = ", ".join(sorted(_NEEDED - self._status.online.keys()))
            raise UnavailableError(
                f"Not ready after {_READY_TIMEOUT_S:g} s: {missing}.", advice=f"The logs are in {plan.folder.logs}."
            ) from None
        url = self._status.online["web"]
        supervisor.replace(plan.page(urlsplit(url).port))  # a page that is restarted keeps its address
        return url

    async def _simulator_address(self) -> str:
        """Wait for the simulator; one that is restarted keeps its address, to which the collector reconnects."""
        radio = await self._supervisor.wait_announced("simulate")
        self._supervisor.replace(self._plan.simulator(radio))
        return radio

    async def _until_over(self) -> None:
        """Wait until the run ends without the user; forever if only the user ends it."""
        endings = [asyncio.ensure_future(self._supervisor.wait_failed())]
        if self._plan.duration_s is not None:
            endings.append(asyncio.ensure_future(self._wait_duration(self._plan.duration_s)))
        if self._plan.ends_with_recording:
            endings.append(asyncio.ensure_future(self._supervisor.wait_done("collector")))
        if self._plan.mode == "wear":
            endings.append(asyncio.ensure_future(self._finalise_earlier_sessions()))
        try:
            done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in endings:
                one.cancel()
            await asyncio.gather(*endings, return_exceptions=True)

    async def _wait_duration(self, duration_s: float) -> None:
        if self._plan.simulate:
            await self._until(self._status.has_signal)
        await asyncio.sleep(duration_s)

    async def _finalise_earlier_sessions(self) -> None:
        """Analyse what an earlier run left without a final result; never returns, since that does not end a run."""
        if sessions_to_finalise(self._plan.folder):
            await self._finalise()
        await asyncio.Event().wait()

    async def _finish(self) -> RunSummary:
        """End the recording, run the final analysis unless the user waits, and return the summary."""
        is_hurried = self._stop.is_set()
        self._supervisor.grace_s = _HURRIED_COLLECTOR_S if is_hurried else _PATIENT_S
        await self._supervisor.end("collector")
        if is_hurried or not self._status.infos:
            return self._summary(final=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DETECTOR_TIMEOUT_S):
                await self._until(self._status.is_detection_over)
        self._console.show_finalising()
        final = await self._unless_stopped(self._finalise())
        return self._summary(final=bool(final))

    async def _finalise(self) -> bool:
        """Run `crampwatch finalise`; return whether it succeeded in time."""
        process = await spawn(self._plan.final_analysis())
        try:
            async with asyncio.timeout(_FINAL_ANALYSIS_TIMEOUT_S):
                code = await process.wait()
        except TimeoutError:
            _log.warning(
                "the final analysis took longer than %g s and was stopped; run `crampwatch finalise` to complete it",
                _FINAL_ANALYSIS_TIMEOUT_S,
            )
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            _log.warning("the final analysis failed with exit code %d", code)
        return code == 0

    def _summary(self, *, final: bool) -> RunSummary:
        return self._status.summary(final=final, restarts=dict(self._supervisor.restarts))

    @contextlib.asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[None]:
        """Receive what the stages publish for as long as the context lasts."""
        assert self._broker is not None, "started"
        client_id = f"crampwatch-run-{os.getpid()}"
        async with Bus(self._broker, client_id=client_id, first_timeout_s=_FIRST_CONNECT_TIMEOUT_S) as bus:
            for leaf in _LEAVES:
                await bus.subscribe(leaf_filter(leaf), leaf.qos)
            receiving = asyncio.create_task(self._receive(bus), name="receive messages")
            try:
                yield
            finally:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self, bus: Bus) -> None:
        async for received in bus.messages():
            try:
                message = messages.decode_for_topic(Topic.parse(received.topic), received.payload)
            except FrameError as error:
                report_unreadable(received.topic, error)
                continue
            finally:
                received.ack()
            self._status.handle(message)
            if isinstance(message, messages.Notice):
                self._console.show_notice(message)
            self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the state holds; it is checked after every message."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def _unless_stopped(self, work: Awaitable[Result]) -> Result | None:
        """Return the result of `work`; None, with `work` cancelled, where the user stops the run before.

        Raises:
            CrampwatchError: A stage was given up meanwhile.
        """
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        failing = asyncio.ensure_future(self._supervisor.wait_failed())
        try:
            await asyncio.wait([working, stopping, failing], return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            return working.result() if working.done() else None
        finally:
            for one in (working, stopping, failing):
                one.cancel()
            await asyncio.gather(working, stopping, failing, return_exceptions=True)
