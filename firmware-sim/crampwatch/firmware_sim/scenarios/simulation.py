"""A wearer and a schedule as a signal that can be read anywhere."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Fault
from crampwatch.firmware_sim.physiology.chance import Floats, chance
from crampwatch.firmware_sim.physiology.wearer import MUSCLES, Wearer
from crampwatch.firmware_sim.scenarios.measure import measure
from crampwatch.firmware_sim.scenarios.schedule import Schedule, Scheduled
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.recordings.truth import TruthEvent

__all__ = ["Simulation"]

_BLOCK = 8192
_TRUTH_OF_ENDLESS_S = 3600.0
_OPEN_HUM_UV = 400.0
"""An open electrode is an antenna: hum of the order of a millivolt, tens of times that of a good contact."""


class Simulation:
    """A simulated recording.

    Samples are computed in fixed blocks, each from the wearer and the schedule alone, so that reading in any order
    and any pieces gives the same numbers; a few blocks and performances are kept, so memory stays bounded.

    Args:
        wearer: The person and the electrodes.
        schedule: What happens.
        hours: Length; None for a signal that never ends.
        temperature_rate_hz: Skin temperature samples a second.
    """

    def __init__(
        self, wearer: Wearer, schedule: Schedule, *, hours: float | None, temperature_rate_hz: float = 1.0
    ) -> None:
        self._wearer, self._schedule = wearer, schedule
        self._rate_hz = wearer.front_end.rate_hz
        self.duration_samples = None if hours is None else round(hours * 3600 * self._rate_hz)
        self.temperature_rate_hz = temperature_rate_hz
        self._block = lru_cache(maxsize=16)(self._computed)
        self._activity = lru_cache(maxsize=48)(self._performed)

    def __repr__(self) -> str:
        length = "endless" if self.duration_samples is None else f"{self.duration_samples} samples"
        return f"Simulation({self._wearer.channels} channels at {self._rate_hz:g} Hz, {length})"

    @cached_property
    def stream(self) -> StreamDescription:
        """Rate, scale, band and channels."""
        return StreamDescription(
            stream=1,
            kind=StreamKind.EMG,
            channels=self._wearer.channels,
            format=SampleFormat.INT16,
            rate_hz=self._rate_hz,
            lsb=self._wearer.lsb_uv * 1e-6,
            band_hz=self._wearer.front_end.band_hz,
            labels=MUSCLES[: self._wearer.channels],
        )

    @cached_property
    def truth(self) -> tuple[TruthEvent, ...]:
        """All that happens; the first hour of an endless signal."""
        if self.duration_samples is None:
            return self.truth_between(0.0, _TRUTH_OF_ENDLESS_S)
        return self.truth_between(0.0, self.duration_samples / self._rate_hz)

    def truth_between(self, start_s: float, stop_s: float) -> tuple[TruthEvent, ...]:
        """Return what starts between two times; what still lasts at `stop_s` ends there."""
        events = [
            measure(self._activity(one), span, self._wearer)
            for one in self._schedule.between(start_s, stop_s)
            for span in self._activity(one).spans
        ]
        inside = [
            replace(event, offset_s=min(event.offset_s, stop_s))
            for event in events
            if start_s <= event.onset_s < stop_s
        ]
        return tuple(sorted(inside, key=lambda event: (event.onset_s, event.offset_s)))

    def read(self, first_index: int, count: int) -> Floats:
        """Return microvolts, shape (count, channels); fewer samples where the signal ends."""
        stop_index = first_index + count
        if self.duration_samples is not None:
            stop_index = min(stop_index, self.duration_samples)
        if stop_index <= first_index:
            return np.zeros((0, self._wearer.channels))
        first_block = first_index // _BLOCK
        blocks = [self._block(number) for number in range(first_block, (stop_index - 1) // _BLOCK + 1)]
        start = first_index - first_block * _BLOCK
        return np.concatenate(blocks)[start : start + stop_index - first_index]

    def temperature_c(self, first_index: int, count: int) -> Floats:
        """Return skin temperature in degC, shape (count,)."""
        return self._wearer.skin.measured(first_index, count, self.temperature_rate_hz)

    def contact(self, t_s: float) -> tuple[bool, ...]:
        """Tell for each channel if the sensor's contact check finds its electrodes on the skin."""
        faults = [fault for fault in self._faults(t_s, t_s + 1e-9) if fault.sensed]
        return tuple(
            not any(fault.channel in (None, channel) and fault.mode != "missing" for fault in faults)
            for channel in range(self._wearer.channels)
        )

    def _performed(self, one: Scheduled) -> Activity:
        return one.generator.perform(one.onset_s, self._wearer, chance(*one.key))

    def _activities(self, start_s: float, stop_s: float) -> Sequence[Activity]:
        return [self._activity(one) for one in self._schedule.between(start_s, stop_s)]

    def _faults(self, start_s: float, stop_s: float) -> Sequence[Fault]:
        return [
            fault
            for activity in self._activities(start_s, stop_s)
            for fault in activity.faults
            if fault.start_s < stop_s and fault.stop_s > start_s
        ]

    def _computed(self, number: int) -> Floats:
        """Return one block, computed with enough signal before it that the filters have settled."""
        settle = self._wearer.front_end.settle_samples
        first_index, count = number * _BLOCK - settle, _BLOCK + settle
        t_s = (first_index + np.arange(count)) / self._rate_hz
        faults = self._faults(t_s[0], t_s[-1])
        input_uv = self._muscle(first_index, t_s, faults) + self._surroundings(first_index, t_s, faults)
        front_end = self._wearer.front_end
        output_uv = front_end.filter(input_uv * np.array(self._wearer.polarity))[settle:]
        return _with_faults(front_end.clip(output_uv), t_s[settle:], faults, front_end.rail_uv)

    def _muscle(self, first_index: int, t_s: Floats, faults: Sequence[Fault]) -> Floats:
        emg_uv = np.zeros((t_s.size, self._wearer.channels))
        for activity in self._activities(t_s[0], t_s[-1]):
            for discharges in activity.discharges:
                emg_uv += self._wearer.muscles[discharges.muscle].render(discharges, first_index, t_s.size)
        emg_uv = self._wearer.bridged(emg_uv, t_s)
        for fault in faults:
            emg_uv[_within(fault, t_s), _columns(fault)] = 0.0
        return emg_uv

    def _surroundings(self, first_index: int, t_s: Floats, faults: Sequence[Fault]) -> Floats:
        total_uv = self._wearer.background(first_index, t_s.size)
        for activity in self._activities(t_s[0], t_s[-1]):
            for disturbance in activity.disturbances:
                inside = (t_s >= disturbance.start_s) & (t_s < disturbance.stop_s)
                if inside.any():
                    total_uv[inside] += disturbance.evaluate(t_s[inside])
        for fault in faults:
            if fault.mode == "open":
                open_s = t_s[_within(fault, t_s)]
                hum_uv = _OPEN_HUM_UV * np.sin(2 * np.pi * self._wearer.mains.frequency_hz * open_s)
                total_uv[_within(fault, t_s), _columns(fault)] += hum_uv[:, None]
        return total_uv


def _with_faults(output_uv: Floats, t_s: Floats, faults: Sequence[Fault], rail_uv: float) -> Floats:
    for fault in faults:
        if fault.mode != "open":
            value = rail_uv if fault.mode == "rail" else np.nan
            output_uv[_within(fault, t_s), _columns(fault)] = value
    output_uv.flags.writeable = False
    return output_uv


def _within(fault: Fault, t_s: Floats) -> slice:
    return slice(*np.searchsorted(t_s, (fault.start_s, fault.stop_s)).tolist())


def _columns(fault: Fault) -> slice:
    return slice(None) if fault.channel is None else slice(fault.channel, fault.channel + 1)
