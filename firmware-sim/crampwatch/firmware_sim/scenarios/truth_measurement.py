"""Measuring the ground truth of an event: visible onset and offset, channels, peak, signal-to-noise ratio.

The truth is what a perfect observer would note, not what was planned: a cramp begins with its first discharge that
stands out from the noise on some channel. Peak and power are those of the event on its own, rendered without
background.
"""

from math import ceil, inf, nan

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Span
from crampwatch.firmware_sim.physiology.randomness import Floats
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.recordings.truth import TruthEvent

__all__ = ["measure_truth"]

_VISIBLE_RATIO = 3.0
"""A discharge is visible if its peak on some channel is this many times the RMS of the noise there."""

_MEASURED_S = 60.0
"""How much of a long event is rendered for peak and power: enough for both, with bounded memory."""


def measure_truth(activity: Activity, span: Span, wearer: Wearer) -> TruthEvent:
    """Return the ground truth of one span of an activity.

    The event lasts from the start of its first visible discharge to the end of its last visible one; if none is
    visible, from the first to the last of all; if there is no discharge at all, for the span as planned.
    """
    onset_s, offset_s = span.onset_s, span.offset_s
    if span.is_bounded_by_discharges:
        onset_s, offset_s = _visible_extent(activity, span, wearer)
    own_uv = _render_own_signal(activity, onset_s, offset_s, wearer)
    power = (own_uv**2).mean(axis=0) / wearer.floor_uv(onset_s) ** 2
    order = np.argsort(power)[::-1]
    shown = [int(channel) for channel in order if power[channel] >= 1.0] or [int(order[0])]
    strongest = float(power[order[0]])
    return TruthEvent(
        kind=span.kind,
        label=span.label,
        onset_s=round(onset_s, 4),
        offset_s=round(offset_s, 4),
        channels=tuple(shown) if strongest > 0 else tuple(range(wearer.channels)),
        peak_uv=round(float(np.abs(own_uv).max()), 3),
        snr_db=round(float(10 * np.log10(strongest)), 2) if strongest > 0 else nan,
    )


def _visible_extent(activity: Activity, span: Span, wearer: Wearer) -> tuple[float, float]:
    for least in (_VISIBLE_RATIO, 0.0):
        onset_s, offset_s = inf, -inf
        for discharges in activity.discharges:
            part = discharges.between(span.onset_s, span.offset_s)
            muscle = wearer.muscles[part.muscle]
            height = muscle.peak_uv[part.unit] * part.gain[:, None] / wearer.floor_uv(span.onset_s)
            clear = height.max(axis=1, initial=0.0) >= least
            if clear.any():
                extent_s = muscle.visible_s[part.unit[clear]] * part.stretch[clear, None]
                onset_s = min(onset_s, float((part.time_s[clear] + extent_s[:, 0]).min()))
                offset_s = max(offset_s, float((part.time_s[clear] + extent_s[:, 1]).max()))
        if onset_s < offset_s:
            return onset_s, offset_s
    return span.onset_s, span.offset_s


def _render_own_signal(activity: Activity, onset_s: float, offset_s: float, wearer: Wearer) -> Floats:
    """Render the signal of the event alone, after the front end, from its onset on, shape (samples, channels).

    Only the EMG counts if there is any: the motion artefact of a movement does not make its EMG any clearer.
    """
    front_end = wearer.front_end
    settle = front_end.settle_samples
    first_index = int(onset_s * front_end.rate_hz) - settle
    length_s = min(offset_s - onset_s, _MEASURED_S)
    count = max(ceil(length_s * front_end.rate_hz), 1) + settle
    t_s = (first_index + np.arange(count)) / front_end.rate_hz
    own_uv = np.zeros((count, wearer.channels))
    for discharges in activity.discharges:
        own_uv += wearer.muscles[discharges.muscle].render(discharges, first_index, count)
    own_uv *= wearer.electrode_gain(t_s)
    for disturbance in activity.disturbances if not activity.discharges else ():
        inside = (t_s >= disturbance.start_s) & (t_s < disturbance.stop_s)
        own_uv[inside] += disturbance.evaluate(t_s[inside])
    return front_end.filter(own_uv)[settle:]
