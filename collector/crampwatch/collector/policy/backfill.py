"""What to ask a sensor's ring for, and what nobody can give any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crampwatch.decoding.assembly import StreamAssembly
from crampwatch.decoding.boot import Boot
from crampwatch.decoding.intervals import Span
from crampwatch.protocol.control import MAX_BACKFILL_SAMPLES, Backfill, RingReport
from crampwatch.protocol.info import Capability, RingState

__all__ = ["Plan", "plan"]

CHUNK_S: Final = 10.0
"""Longest request: live frames have priority, and one that fails costs little."""
MOST_CHUNKS: Final = 12
"""Requests planned at a time: two minutes; the ring is looked at again before the next."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from gaps and rings.

    Attributes:
        wanted: Requests, oldest first: the ring loses the oldest first.
        lost: ``(stream, span)`` that nobody holds any more.
    """

    wanted: tuple[Backfill, ...] = ()
    lost: tuple[tuple[int, Span], ...] = ()


def plan(boot: Boot, rings: RingReport, host_ns: int) -> Plan:
    """Return what to fetch and what to give up.

    Args:
        boot: With its gaps.
        rings: As the sensor told them.
        host_ns: When that was.
    """
    if rings.boot_id != boot.info.boot_id or Capability.BACKFILL not in boot.info.capabilities:
        return Plan()
    wanted: list[Backfill] = []
    lost: list[tuple[int, Span]] = []
    for number, ring in rings.rings:
        assembly = boot.assemblies.get(number)
        if assembly is not None:
            held, gone = _split(assembly, ring, host_ns)
            wanted += [chunk for span in held for chunk in _chunks(number, span, assembly.stream.rate_hz)]
            lost += [(number, span) for span in gone]
    return Plan(tuple(wanted[:MOST_CHUNKS]), tuple(lost))


def _split(assembly: StreamAssembly, ring: RingState, host_ns: int) -> tuple[list[Span], list[Span]]:
    """Return the gaps the ring holds, and those it does not hold any more."""
    newest = assembly.index_near(ring.next_index, host_ns)
    oldest = newest - ((ring.next_index - ring.oldest) & 0xFFFFFFFF)
    held = [(max(a, oldest), min(b, newest)) for a, b in assembly.gaps]
    gone = [(a, min(b, oldest)) for a, b in assembly.gaps]
    return [(a, b) for a, b in held if a < b], [(a, b) for a, b in gone if a < b]


def _chunks(stream: int, span: Span, rate_hz: float) -> Iterator[Backfill]:
    length = max(1, min(round(CHUNK_S * rate_hz), MAX_BACKFILL_SAMPLES))
    for count, first in enumerate(range(*span, length)):
        if count == MOST_CHUNKS:
            return
        yield Backfill(stream, first & 0xFFFFFFFF, min(length, span[1] - first))
