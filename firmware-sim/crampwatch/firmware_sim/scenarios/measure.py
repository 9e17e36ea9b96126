"""What a perfect observer of one event would note: visible onset and offset, channels, peak, signal over floor."""

from math import ceil, inf, nan

import numpy as np
from crampwatch.firmware_sim.physiology.activity import Activity, Span
from crampwatch.firmware_sim.physiology.chance import Floats
from crampwatch.firmware_sim.physiology.wearer import Wearer
from crampwatch.recordings.truth import TruthEvent

__all__ = ["measure"]

_VISIBLE = 3.0
"""A discharge is visible when its peak on some channel is this many times the noise floor's RMS."""

_MEASURED_S = 60.0
"""Peak and power come from this much of a long event: enough for both, and memory stays bounded."""


def measure(activity: Activity, span: Span, wearer: Wearer) -> TruthEvent:
    """Return the truth of one span of an activity.

    The event runs from the start of its first visible discharge to the end of its last visible one; where none is
    visible, all count, and where there is no discharge at all, the span itself counts.
    """
    onset_s, offset_s = span.onset_s, span.offset_s
    if span.by_discharges:
        onset_s, offset_s = _visible(activity, span, wearer)
    own_uv = _own_signal(activity, onset_s, offset_s, wearer)
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


def _visible(activity: Activity, span: Span, wearer: Wearer) -> tuple[float, float]:
    for least in (_VISIBLE, 0.0):
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


def _own_signal(activity: Activity, onset_s: float, offset_s: float, wearer: Wearer) -> Floats:
    """Return the event's own signal after the front end, from its onset on, shape (samples, channels).

    Muscle alone where there is any: a movement's own motion artefact does not make its EMG any clearer.
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
