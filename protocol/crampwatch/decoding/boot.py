"""A sensor from one power-up to the next: its streams, its clock, its gains."""

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

_MOST_GAINS: Final = 1000


class Boot:
    """What sample indices of one boot id refer to.

    Args:
        info: As read at the first connection.
        host_ns: When that was.
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
        """The stream a sync's index refers to: the lowest EMG stream."""

    def is_same(self, info: Info) -> bool:
        """Whether what is read now continues this boot."""
        return (info.boot_id, info.tick_hz, info.streams) == (self.info.boot_id, self.info.tick_hz, self.info.streams)

    def update_info(self, info: Info, host_ns: int) -> None:
        """Take Info again after a reconnection: what the rings have got to meanwhile is wanted."""
        self.info = info
        for stream, ring in zip(info.streams, info.rings, strict=True):
            self.assemblies[stream.stream].expect_index(ring.next_index, host_ns)

    def place_frame(self, frame: Frame, host_ns: int, *, is_stored: bool = False) -> Placement:
        """Put a frame in its place; one that comes live also tells the time.

        Raises:
            FrameError: Of no stream of this sensor, or of a length or index that cannot be.
        """
        assembly = self.assemblies.get(frame.stream)
        if assembly is None:
            raise FrameError(f"A frame names stream {frame.stream}, which the sensor does not describe.")
        placement = assembly.place(frame, host_ns, is_stored=is_stored)
        if placement.fresh and (
            not is_stored or not self.clock.is_known
        ):  # a stored frame says little: it is very late
            self.clock.add_arrival(ticks=self.ticks_at(frame.stream, placement, placement.samples - 1), host_ns=host_ns)
        return placement

    def add_sync(self, ticks: int, *, before_ns: int, after_ns: int) -> None:
        """Take a reading of the sensor's clock, made between two host times."""
        whole = self.primary.unwrapped_ticks(ticks, after_ns)
        for assembly in self.assemblies.values():
            assembly.anchor_ticks(whole, after_ns)  # their first frame may come after a wrap
        self.clock.add_sync(ticks=whole, before_ns=before_ns, after_ns=after_ns)

    def handle_event(self, event: SensorEvent, host_ns: int) -> None:
        """Learn of a new gain, or where a stream ended."""
        assembly = self.assemblies.get(event.stream)
        if assembly is None:
            return
        if event.code == EventCode.STREAM_ENDED:
            assembly.expect_index(event.index, host_ns)
        elif event.code == EventCode.GAIN_CHANGED and len(event.payload) == 4:
            (lsb,) = struct.unpack("<f", event.payload)
            self._enter_gain(event.stream, assembly.index_near(event.index, host_ns), lsb)

    def lsb_at(self, stream: int, index: int) -> float:
        """Return SI units a count of a sample; NaN where unknown."""
        gains = self._gains[stream]
        return gains[max(0, bisect_right(gains, index, key=lambda gain: gain[0]) - 1)][1]

    def ticks_at(self, stream: int, placement: Placement, offset: int) -> int:
        """Return the ticks of a frame's sample, counted from its first."""
        return placement.ticks + round(offset * self.info.tick_hz / self.assemblies[stream].stream.rate_hz)

    def _enter_gain(self, stream: int, index: int, lsb: float) -> None:
        gains = self._gains[stream]
        if len(gains) < _MOST_GAINS and index >= gains[-1][0]:
            gains.append((index, lsb if math.isfinite(lsb) and lsb > 0 else math.nan))
