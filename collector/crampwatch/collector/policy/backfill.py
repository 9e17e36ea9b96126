"""Which missing samples to request from a sensor's ring buffer, and which are lost.

A sensor keeps its newest samples (minutes to hours of them) in a ring buffer. Samples that did not arrive are gaps in
the stream's assembly; a gap is compared with the ring, whose oldest and next sample index the sensor reports::

    index   ........[==== gap ====]............
    ring           lost |<------ held ------->|
                     oldest                 next

The part below `oldest` has been overwritten: it is lost, and recorded as lost so that nobody waits for it. The part
that the ring holds is requested, oldest first, since the ring overwrites the oldest first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crampwatch.decoding.assembly import StreamAssembly
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.intervals import Span
from crampwatch.protocol.control import MAX_BACKFILL_SAMPLES, Backfill, RingReport
from crampwatch.protocol.info import Capability, RingState

__all__ = ["BackfillPlan", "plan_backfill"]

MAX_REQUEST_S: Final = 10.0
"""Longest request: the sensor sends live frames first, and a short request that fails costs little."""
MAX_REQUESTS: Final = 12
"""Requests planned at a time, two minutes of samples; after them the ring is looked at again, as it has moved on."""


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What to do about the gaps of a boot.

    Attributes:
        requests: Requests to send, oldest samples first.
        lost: ``(stream, span)`` of samples that no longer exist anywhere.
    """

    requests: tuple[Backfill, ...] = ()
    lost: tuple[tuple[int, Span], ...] = ()


def plan_backfill(boot: Boot, rings: RingReport, host_ns: int) -> BackfillPlan:
    """Return what to request and what to give up.

    The plan is empty if the rings are those of another boot, or if the sensor cannot send stored samples.

    Args:
        boot: The present boot with its gaps.
        rings: What the sensor reports of its ring buffers.
        host_ns: When the report arrived, UTC.
    """
    if rings.boot_id != boot.info.boot_id or Capability.BACKFILL not in boot.info.capabilities:
        return BackfillPlan()
    requests: list[Backfill] = []
    lost: list[tuple[int, Span]] = []
    for number, ring in rings.rings:
        assembly = boot.assemblies.get(number)
        if assembly is not None:
            held, gone = _split_gaps(assembly, ring, host_ns)
            requests += [one for span in held for one in _split_into_requests(number, span, assembly.stream.rate_hz)]
            lost += [(number, span) for span in gone]
    return BackfillPlan(tuple(requests[:MAX_REQUESTS]), tuple(lost))


def _split_gaps(assembly: StreamAssembly, ring: RingState, host_ns: int) -> tuple[list[Span], list[Span]]:
    """Return the parts of the gaps that the ring holds, and those that it has overwritten."""
    # The ring counts modulo 2**32; the assembly does not wrap.
    newest = assembly.index_near(ring.next_index, host_ns)
    oldest = newest - ((ring.next_index - ring.oldest) & 0xFFFFFFFF)
    held = [(max(a, oldest), min(b, newest)) for a, b in assembly.gaps]
    gone = [(a, min(b, oldest)) for a, b in assembly.gaps]
    return [(a, b) for a, b in held if a < b], [(a, b) for a, b in gone if a < b]


def _split_into_requests(stream: int, span: Span, rate_hz: float) -> Iterator[Backfill]:
    length = max(1, min(round(MAX_REQUEST_S * rate_hz), MAX_BACKFILL_SAMPLES))
    for count, first in enumerate(range(*span, length)):
        if count == MAX_REQUESTS:
            return  # more are never planned at a time, and a gap of a whole night has thousands
        yield Backfill(stream, first & 0xFFFFFFFF, min(length, span[1] - first))
