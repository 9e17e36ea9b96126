"""The signal of a wearer and a schedule, which can be read from any position."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Fault
from crampwatch.firmware_sim.physiology.randomness import Floats, rng_for
from crampwatch.firmware_sim.physiology.wearer import MUSCLES, Wearer
from crampwatch.firmware_sim.scenarios.schedule import Schedule, ScheduledEvent
from crampwatch.firmware_sim.scenarios.truth_measurement import measure_truth
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.recordings.truth import TruthEvent

__all__ = ["Simulation"]

_BLOCK_SAMPLES = 8192
"""Samples computed at once. Filters start before a block with enough signal to settle, which a longer block
amortises."""
_TRUTH_OF_ENDLESS_S = 3600.0
"""How much of an endless signal `truth` covers."""
_OPEN_HUM_UV = 400.0
"""An open electrode acts as an antenna: hum in the order of a millivolt, tens of times that of a good contact."""


class Simulation:
    """A simulated signal; a `SignalSource`.

    Samples are computed in fixed blocks, each from the wearer and the schedule alone, so that reading in any order and
    in any pieces gives the same numbers. A few blocks and activities are cached; memory does not grow with the signal.

    Args:
        wearer: The person and the electrodes.
        schedule: What happens.
        hours: Duration; None for an endless signal.
        temperature_rate_hz: Skin temperature values per second.
    """

    def __init__(
        self, wearer: Wearer, schedule: Schedule, *, hours: float | None, temperature_rate_hz: float = 1.0
    ) -> None:
        self._wearer, self._schedule = wearer, schedule
        self._rate_hz = wearer.front_end.rate_hz
        self.duration_samples = None if hours is None else round(hours * 3600 * self._rate_hz)
        self.temperature_rate_hz = temperature_rate_hz
        self._block = lru_cache(maxsize=16)(self._compute_block)
        self._activity = lru_cache(maxsize=48)(self._generate)

    def __repr__(self) -> str:
        length = "endless" if self.duration_samples is None else f"{self.duration_samples} samples"
        return f"Simulation({self._wearer.channels} channels at {self._rate_hz:g} Hz, {length})"

    @cached_property
    def stream(self) -> StreamDescription:
        """Sampling rate, scale, pass band and channels."""
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
        """Everything that happens; for an endless signal, in its first hour."""
        if self.duration_samples is None:
            return self.truth_between(0.0, _TRUTH_OF_ENDLESS_S)
        return self.truth_between(0.0, self.duration_samples / self._rate_hz)

    def truth_between(self, start_s: float, stop_s: float) -> tuple[TruthEvent, ...]:
        """Return the events that start between two times; those that last longer end at `stop_s`."""
        events = [
            measure_truth(self._activity(scheduled), span, self._wearer)
            for scheduled in self._schedule.between(start_s, stop_s)
            for span in self._activity(scheduled).spans
        ]
        inside = [
            replace(event, offset_s=min(event.offset_s, stop_s))
            for event in events
            if start_s <= event.onset_s < stop_s
        ]
        return tuple(sorted(inside, key=lambda event: (event.onset_s, event.offset_s)))

    def read(self, first_index: int, count: int) -> Floats:
        """Return microvolts, shape (count, channels); shorter only where the signal ends."""
        stop_index = first_index + count
        if self.duration_samples is not None:
            stop_index = min(stop_index, self.duration_samples)
        if stop_index <= first_index:
            return np.zeros((0, self._wearer.channels))
        first_block = first_index // _BLOCK_SAMPLES
        blocks = [self._block(number) for number in range(first_block, (stop_index - 1) // _BLOCK_SAMPLES + 1)]
        start = first_index - first_block * _BLOCK_SAMPLES
        return np.concatenate(blocks)[start : start + stop_index - first_index]

    def temperature_c(self, first_index: int, count: int) -> Floats:
        """Return skin temperature in degC, shape (count,)."""
        return self._wearer.skin.measured(first_index, count, self.temperature_rate_hz)

    def contact(self, t_s: float) -> tuple[bool, ...]:
        """Return for each channel whether the contact check of the sensor finds its electrodes on the skin."""
        faults = [fault for fault in self._faults(t_s, t_s + 1e-9) if fault.is_sensed]
        return tuple(
            not any(fault.channel in (None, channel) and fault.mode != "missing" for fault in faults)
            for channel in range(self._wearer.channels)
        )

    def _generate(self, scheduled: ScheduledEvent) -> Activity:
        return scheduled.event.generate(scheduled.onset_s, self._wearer, rng_for(*scheduled.key))

    def _activities(self, start_s: float, stop_s: float) -> Sequence[Activity]:
        return [self._activity(scheduled) for scheduled in self._schedule.between(start_s, stop_s)]

    def _faults(self, start_s: float, stop_s: float) -> Sequence[Fault]:
        return [
            fault
            for activity in self._activities(start_s, stop_s)
            for fault in activity.faults
            if fault.start_s < stop_s and fault.stop_s > start_s
        ]

    def _compute_block(self, number: int) -> Floats:
        """Compute a block, with enough signal before it for the filters to settle."""
        settle = self._wearer.front_end.settle_samples
        first_index, count = number * _BLOCK_SAMPLES - settle, _BLOCK_SAMPLES + settle
        t_s = (first_index + np.arange(count)) / self._rate_hz
        # Before the front end: muscle and surroundings. After it: rails and gaps, which no filter smooths.
        faults = self._faults(t_s[0], t_s[-1])
        input_uv = self._muscle_signal(first_index, t_s, faults) + self._disturbing_signal(first_index, t_s, faults)
        front_end = self._wearer.front_end
        output_uv = front_end.filter(input_uv * np.array(self._wearer.polarity))[settle:]
        return _apply_faults(front_end.clip(output_uv), t_s[settle:], faults, front_end.rail_uv)

    def _muscle_signal(self, first_index: int, t_s: Floats, faults: Sequence[Fault]) -> Floats:
        emg_uv = np.zeros((t_s.size, self._wearer.channels))
        for activity in self._activities(t_s[0], t_s[-1]):
            for discharges in activity.discharges:
                emg_uv += self._wearer.muscles[discharges.muscle].render(discharges, first_index, t_s.size)
        emg_uv = self._wearer.mix_bridged(emg_uv, t_s)
        for fault in faults:
            emg_uv[_samples_within(fault, t_s), _channels_of(fault)] = 0.0
        return emg_uv

    def _disturbing_signal(self, first_index: int, t_s: Floats, faults: Sequence[Fault]) -> Floats:
        total_uv = self._wearer.background(first_index, t_s.size)
        for activity in self._activities(t_s[0], t_s[-1]):
            for disturbance in activity.disturbances:
                inside = (t_s >= disturbance.start_s) & (t_s < disturbance.stop_s)
                if inside.any():
                    total_uv[inside] += disturbance.evaluate(t_s[inside])
        for fault in faults:
            if fault.mode == "open":
                open_s = t_s[_samples_within(fault, t_s)]
                hum_uv = _OPEN_HUM_UV * np.sin(2 * np.pi * self._wearer.mains.frequency_hz * open_s)
                total_uv[_samples_within(fault, t_s), _channels_of(fault)] += hum_uv[:, None]
        return total_uv


def _apply_faults(output_uv: Floats, t_s: Floats, faults: Sequence[Fault], rail_uv: float) -> Floats:
    for fault in faults:
        if fault.mode != "open":
            value = rail_uv if fault.mode == "rail" else np.nan
            output_uv[_samples_within(fault, t_s), _channels_of(fault)] = value
    output_uv.flags.writeable = False
    return output_uv


def _samples_within(fault: Fault, t_s: Floats) -> slice:
    return slice(*np.searchsorted(t_s, (fault.start_s, fault.stop_s)).tolist())


def _channels_of(fault: Fault) -> slice:
    return slice(None) if fault.channel is None else slice(fault.channel, fault.channel + 1)
