"""A sensor from one power-up to the next: its streams, its clock and its gains.

A sensor draws a random boot id at every power-up and counts samples and ticks from there, so everything that depends on
these counters belongs to one boot. All streams share the sensor's one clock.
"""

import math
import struct
from bisect import bisect_right
from typing import Final

from crampwatch.decoding.assembly import Placement, StreamAssembly
from crampwatch.decoding.sensor_clock import SensorClock
from crampwatch.protocol.errors import FrameError
from crampwatch.protocol.event import EventCode, SensorEvent
from crampwatch.protocol.frame import Frame
from crampwatch.protocol.info import Info
from crampwatch.protocol.stream import StreamKind

__all__ = ["Boot"]

_MAX_GAINS: Final = 1000
"""A sensor changes its gain a few times a night; corrupt events must not fill memory."""


class Boot:
    """State of a sensor since one power-up.

    Args:
        info: Its Info as read at the first connection; samples from the next index in it on are wanted.
        host_ns: When it was read.

    Attributes:
        info: Its Info as last read.
        clock: Fit of its clock.
        assemblies: The assembly of each stream by number.
        primary: The stream that a sync's index refers to: the lowest EMG stream, or the lowest if there is none.
    """

    def __init__(self, info: Info, host_ns: int) -> None:
        self.info = info
        self.clock = SensorClock(info.tick_hz)
        self.assemblies = {
            stream.stream: StreamAssembly(stream, tick_hz=info.tick_hz, begin=ring.next_index, host_ns=host_ns)
            for stream, ring in zip(info.streams, info.rings, strict=True)
        }
        self._gains = {stream.stream: [(0, stream.lsb)] for stream in info.streams}
        emg = [stream.stream for stream in info.streams if stream.kind is StreamKind.EMG]
        self.primary = self.assemblies[min(emg or self.assemblies)]

    def is_same(self, info: Info) -> bool:
        """Whether an Info belongs to this boot: same boot id, clock and streams."""
        return (info.boot_id, info.tick_hz, info.streams) == (self.info.boot_id, self.info.tick_hz, self.info.streams)

    def update_info(self, info: Info, host_ns: int) -> None:
        """Handle Info read at a reconnection: samples taken meanwhile, up to its rings' next indices, are wanted."""
        self.info = info
        for stream, ring in zip(info.streams, info.rings, strict=True):
            self.assemblies[stream.stream].expect_index(ring.next_index, host_ns)

    def place_frame(self, frame: Frame, host_ns: int, *, is_stored: bool = False) -> Placement:
        """Put a frame in its place, and let the arrival of a live one bound the clock.

        Raises:
            FrameError: The sensor has no such stream, or the frame has a wrong length or an implausible index.
        """
        assembly = self.assemblies.get(frame.stream)
        if assembly is None:
            raise FrameError(f"A frame names stream {frame.stream}, which the sensor does not describe.")
        placement = assembly.place(frame, host_ns, is_stored=is_stored)
        # A stored frame arrives seconds to minutes late; it bounds the clock only while there is nothing better.
        if placement.fresh and (not is_stored or not self.clock.is_known):
            self.clock.add_arrival(ticks=self.ticks_at(frame.stream, placement, placement.samples - 1), host_ns=host_ns)
        return placement

    def add_sync(self, ticks: int, *, before_ns: int, after_ns: int) -> None:
        """Add a reading of the sensor's clock, modulo 2**32, that was made between two host times."""
        unwrapped = self.primary.unwrapped_ticks(ticks, after_ns)
        for assembly in self.assemblies.values():
            assembly.anchor_ticks(unwrapped, after_ns)  # the first frame may come after a wrap
        self.clock.add_sync(ticks=unwrapped, before_ns=before_ns, after_ns=after_ns)

    def handle_event(self, event: SensorEvent, host_ns: int) -> None:
        """Handle a change of gain or the end of a stream; other events change nothing here."""
        assembly = self.assemblies.get(event.stream)
        if assembly is None:
            return
        if event.code == EventCode.STREAM_ENDED:
            assembly.expect_index(event.index, host_ns)
        elif event.code == EventCode.GAIN_CHANGED and len(event.payload) == 4:
            (lsb,) = struct.unpack("<f", event.payload)
            self._add_gain(event.stream, assembly.index_near(event.index, host_ns), lsb)

    def lsb_at(self, stream: int, index: int) -> float:
        """Return the SI units of one count at a sample; NaN if unknown."""
        gains = self._gains[stream]
        return gains[max(0, bisect_right(gains, index, key=lambda gain: gain[0]) - 1)][1]

    def ticks_at(self, stream: int, placement: Placement, offset: int) -> int:
        """Return the ticks of the sample at an offset within a placed frame."""
        return placement.ticks + round(offset * self.info.tick_hz / self.assemblies[stream].stream.rate_hz)

    def _add_gain(self, stream: int, index: int, lsb: float) -> None:
        # Events come in order; one from before the last change is corrupt, and lookup needs sorted indices.
        gains = self._gains[stream]
        if len(gains) < _MAX_GAINS and index >= gains[-1][0]:
            gains.append((index, lsb if math.isfinite(lsb) and lsb > 0 else math.nan))
