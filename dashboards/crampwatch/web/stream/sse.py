"""Streams the live view to browsers by server-sent events.

One task, :meth:`Hub.run`, asks the model for changes twenty times a second, encodes them once, and puts the same bytes
into the queue of every open page. A page first receives a snapshot, so it needs nothing that was sent before.

Backpressure: each page's queue is bounded. A page that falls behind by more than that is disconnected rather than
sent less: a page that missed an update would show a wrong curve, while a reconnecting browser (EventSource does so by
itself after a second) starts with a correct snapshot. A slow page thus costs at most one queue of memory and never
delays the others. A browser that accepts nothing for ten seconds is disconnected too.

Invariant: events reach a page in the order of the ticks, and the updates after its snapshot contain every change since
that snapshot. All pages share the model's changes, so a page that opens between two ticks may receive some of them in
its snapshot and again in the next update; applying them twice is harmless.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from crampwatch.bus.service import run_until_first_ends
from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.live.model import LiveModel
from crampwatch.web.live.schema import encode_event
from starlette.types import Receive, Scope, Send

__all__ = ["EventStream", "Hub", "Viewer"]

_TICK_S: Final = 0.05
"""A change waits half of this on average. Sensors send about ten times a second, so shorter ticks would gain little."""
_HEARTBEAT_S: Final = 1.0
"""A heartbeat follows this long after the last event; the page reports a lost connection after three missing ones."""
_MAX_BACKLOG: Final = 100
"""Events a page may fall behind, about five seconds: beyond that a new snapshot serves it better."""
_MAX_VIEWERS: Final = 16
_SEND_TIMEOUT_S: Final = 10.0
"""A browser that accepts nothing for this long is gone: phones leave the house without closing connections."""
_HEADERS: Final = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
"""The second header asks an nginx in front of us not to collect events before passing them on."""


class Viewer:
    """One open page: a bounded queue of encoded events."""

    def __init__(self, first: bytes, *, backlog: int) -> None:
        self._events: asyncio.Queue[bytes] = asyncio.Queue(backlog)
        self._events.put_nowait(first)
        self.is_dropped = asyncio.Event()
        """Set when its stream is to end."""

    def offer(self, event: bytes) -> None:
        """Queue an event; if the queue is full, drop the viewer rather than the event."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.is_dropped.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield queued events, without end."""
        while True:
            yield await self._events.get()


class Hub:
    """Sends the model's changes to every open page.

    Args:
        model: Model of the live view.
        clock: Returns monotonic seconds.
        backlog: Events a viewer may fall behind.
    """

    def __init__(
        self, model: LiveModel, *, clock: Callable[[], float] = time.monotonic, backlog: int = _MAX_BACKLOG
    ) -> None:
        self._model = model
        self._clock = clock
        self._backlog = backlog
        self._viewers: set[Viewer] = set()
        self._last_sent_s = clock()

    @property
    def viewers(self) -> int:
        """Number of open pages."""
        return len(self._viewers)

    @contextlib.contextmanager
    def open_viewer(self) -> Iterator[Viewer]:
        """Add a viewer while the context lasts; its first event is a snapshot.

        Raises:
            UnavailableError: Too many pages are open.
        """
        if len(self._viewers) >= _MAX_VIEWERS:
            raise UnavailableError(f"{_MAX_VIEWERS} pages are already open.", advice="Close one of them, then reload.")
        if not self._viewers:
            # Without viewers nobody drains the model: discard what piled up, since the snapshot contains it.
            self._model.drain_changes(now_s=self._clock())
        snapshot = encode_event("snapshot", self._model.snapshot(now_s=self._clock()))
        viewer = Viewer(snapshot, backlog=self._backlog)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    async def run(self) -> None:
        """Send changes to all viewers until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(_TICK_S)

    def tick(self) -> None:
        """Send what changed since the last tick, or a heartbeat if nothing was sent for a second."""
        if not self._viewers:
            return
        now_s = self._clock()
        update = self._model.drain_changes(now_s=now_s)
        if update is not None:
            self._broadcast(encode_event("update", update), now_s)
        elif now_s - self._last_sent_s >= _HEARTBEAT_S:
            self._broadcast(encode_event("beat"), now_s)

    def close(self) -> None:
        """End every viewer's stream, so that the server can stop."""
        for viewer in self._viewers:
            viewer.is_dropped.set()

    def _broadcast(self, event: bytes, now_s: float) -> None:
        self._last_sent_s = now_s
        for viewer in self._viewers:
            viewer.offer(event)


class EventStream:
    """An ASGI application that streams events to one browser until it leaves, falls behind, or the server stops.

    Args:
        hub: Source of the events.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        del scope  # every viewer receives the same
        with self._hub.open_viewer() as viewer:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await run_until_first_ends(
                _send_events(viewer, send), _wait_for_disconnect(receive), viewer.is_dropped.wait()
            )
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_events(viewer: Viewer, send: Send) -> None:
    await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
    with contextlib.suppress(OSError, TimeoutError):
        async for event in viewer.events():
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await send({"type": "http.response.body", "body": event, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
