"""Plots of misses, false alarms and reliability as inline SVG, without scripts, fonts or other files. No I/O."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from crampwatch.app.evaluation.clip import Clip, Span
from crampwatch.app.evaluation.outcome import Reliability
from crampwatch.app.sessions.episode_line import clock_text
from crampwatch.protocol.kinds import EpisodeKind
from numpy.typing import NDArray

__all__ = ["clip_svg", "reliability_svg"]

_WIDTH, _LEFT, _RIGHT = 1000, 74, 24
_LANE, _BAND, _AXIS = 96, 15, 18
_TICK_STEPS_S: Final = (0.5, 1, 2, 5, 10, 20, 30)
_TICKS = 12


def clip_svg(clip: Clip) -> str:
    """Return the plot of a clip: truth, episodes, and waveform, envelope, floor and threshold of each channel."""
    channels = clip.lowest.shape[1]
    top = 2 * (_BAND + 3)
    height = top + channels * _LANE + _AXIS
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(_title_of(clip))}">',
        *_draw_band(clip, clip.truth, 0, "truth"),
        *_draw_band(clip, clip.episodes, _BAND + 3, "found"),
    ]
    for channel in range(channels):
        parts += _draw_lane(clip, channel, top + channel * _LANE)
    parts += _time_axis(clip, top + channels * _LANE)
    edges = (_x_of_time(clip, edge_s) for edge_s in (clip.subject.onset_s, clip.subject.offset_s))
    parts += [f'<path class="edge" d="M{x:.1f} {top}V{height - _AXIS}"/>' for x in edges]
    return "".join([*parts, "</svg>"])


def reliability_svg(curves: Mapping[EpisodeKind, Sequence[Reliability]]) -> str:
    """Return the plot of confidence against the share that was right; larger dots stand for more episodes."""
    side, edge = 300, 40
    parts = [
        f'<svg class="reliability" viewBox="0 -12 {side + edge + 130} {side + edge + 12}" role="img">',
        f'<path class="axis" d="M{edge} 0V{side}H{edge + side}"/>',
        f'<path class="ideal" d="M{edge} {side}L{edge + side} 0"/>',
    ]
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{edge - 6}" y="{side * (1 - share) + 4:.0f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<text x="{edge + side * share:.0f}" y="{side + 16}" text-anchor="middle">{share:.0%}</text>')
    parts.append(f'<text x="{edge + side / 2:.0f}" y="{side + 34}" text-anchor="middle">confidence</text>')
    for place, (kind, curve) in enumerate((kind, curve) for kind, curve in curves.items() if curve):
        parts += _draw_curve(kind, curve, side, edge)
        parts.append(f'<circle class="k-{kind}" cx="{edge + side + 18}" cy="{14 + 18 * place}" r="5"/>')
        parts.append(f'<text x="{edge + side + 28}" y="{18 + 18 * place}">{str(kind).replace("_", " ")}</text>')
    return "".join([*parts, "</svg>"])


def _draw_curve(kind: EpisodeKind, curve: Sequence[Reliability], side: int, edge: int) -> Iterator[str]:
    points = [(edge + side * one.confidence, side * (1 - one.correct), one.episodes) for one in curve]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
    yield f'<path class="k-{kind} curve" d="M{line}"/>'
    for x, y, episodes in points:
        radius = min(12.0, 2.0 + math.sqrt(episodes) / 2)
        yield f'<circle class="k-{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{episodes}</title></circle>'


def _title_of(clip: Clip) -> str:
    what = "missed" if clip.is_miss else "false"
    return f"{what} {str(clip.subject.kind).replace('_', ' ')} at {clock_text(clip.subject.onset_s)} of {clip.case}"


def _x_of_time(clip: Clip, t_s: float) -> float:
    share = (t_s - clip.start_s) / max(clip.stop_s - clip.start_s, 1e-9)
    return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _draw_band(clip: Clip, spans: Sequence[Span], y: int, name: str) -> Iterator[str]:
    yield f'<text class="name" x="{_LEFT - 6}" y="{y + 11}" text-anchor="end">{name}</text>'
    # The longest first, so that none hides a shorter one; artefacts are thin, since they often span everything else.
    for span in sorted(spans, key=lambda one: one.onset_s - one.offset_s):
        left, right = _x_of_time(clip, span.onset_s), _x_of_time(clip, span.offset_s)
        width, is_thin = max(right - left, 1.5), span.kind is EpisodeKind.ARTEFACT and len(spans) > 1
        height = _BAND // 3 if is_thin else _BAND
        top = y + _BAND - height
        yield (
            f'<rect class="k-{span.kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="2">'
            f"<title>{escape(span.text)}, {clock_text(span.onset_s)}, {span.offset_s - span.onset_s:.2f} s</title>"
            "</rect>"
        )
        if width > 6.2 * len(span.text) and not is_thin:
            yield f'<text class="on" x="{left + 4:.1f}" y="{y + 11}">{escape(span.text)}</text>'


def _draw_lane(clip: Clip, channel: int, top: int) -> Iterator[str]:
    lowest, highest = clip.lowest[:, channel], clip.highest[:, channel]
    reach = _lane_reach(clip, channel)
    middle, scale = top + _LANE / 2, (_LANE / 2 - 3) / reach
    yield f'<path class="zero" d="M{_LEFT} {middle:.0f}H{_WIDTH - _RIGHT}"/>'
    label = escape(_short_label(clip, channel))
    yield f'<text class="name" x="{_LEFT - 6}" y="{top + 14}" text-anchor="end">{label}</text>'
    unit = f"±{reach / 1000:.2g} mV" if clip.unit and reach >= 1000 else f"±{reach:.3g} {clip.unit}".strip()
    yield f'<text class="name" x="{_LEFT - 6}" y="{middle + 4:.0f}" text-anchor="end">{escape(unit)}</text>'
    xs = np.linspace(_LEFT, _WIDTH - _RIGHT, len(lowest) + 1)[:-1]
    yield f'<path class="wave" d="{_bars_path(xs, lowest, highest, middle, scale)}"/>'
    steps = [_x_of_time(clip, t_s) for t_s in clip.steps_s.tolist()]
    for name, values in (("envelope", clip.envelope), ("floor", clip.floor), ("threshold", clip.threshold)):
        yield f'<path class="{name}" d="{_line_path(steps, values[:, channel], middle, scale)}"/>'


def _short_label(clip: Clip, channel: int) -> str:
    label = clip.labels[channel] if channel < len(clip.labels) else f"{channel + 1}"
    return label if len(label) <= 12 else "".join(f"{word[:3]}. " for word in label.split()).strip()


def _lane_reach(clip: Clip, channel: int) -> float:
    """Return the value at the edge of a lane: it holds nearly all of the waveform, but cuts single spikes."""
    values = np.concatenate([np.abs(clip.lowest[:, channel]), np.abs(clip.highest[:, channel])])
    values = values[np.isfinite(values)]
    usual = float(np.quantile(values, 0.985)) if values.size else 0.0
    threshold = clip.threshold[:, channel]
    threshold = threshold[np.isfinite(threshold)]
    return max(usual, 3.0 * float(np.median(threshold)) if threshold.size else 0.0, 1e-6)


def _bars_path(
    xs: NDArray[np.float64], lowest: NDArray[np.float32], highest: NDArray[np.float32], middle: float, scale: float
) -> str:
    """Return a vertical stroke per column from lowest to highest value, clipped to the lane."""
    top, bottom = middle - _LANE / 2, middle + _LANE / 2
    high = np.clip(middle - highest * scale, top, bottom)
    low = np.clip(middle - lowest * scale, top, bottom)
    return "".join(
        f"M{x:.0f} {one:.1f}V{max(other, one + 0.5):.1f}"
        for x, one, other in zip(xs.tolist(), high.tolist(), low.tolist(), strict=True)
        if math.isfinite(one) and math.isfinite(other)
    )


def _line_path(xs: Sequence[float], values: NDArray[np.float32], middle: float, scale: float) -> str:
    """Return a polyline upwards from the middle, broken where there is no value."""
    path, pen = [], "M"
    for x, y in zip(xs, np.clip(middle - values * scale, middle - _LANE / 2, middle).tolist(), strict=True):
        if math.isfinite(y):
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(path)


def _time_axis(clip: Clip, y: int) -> Iterator[str]:
    length_s = clip.stop_s - clip.start_s
    step_s = next((step for step in _TICK_STEPS_S if length_s / step <= _TICKS), _TICK_STEPS_S[-1])
    yield f'<path class="axis" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>'
    for place in range(math.ceil(clip.start_s / step_s), math.floor(clip.stop_s / step_s) + 1):
        x = _x_of_time(clip, place * step_s)
        yield f'<path class="axis" d="M{x:.1f} {y}v4"/>'
        yield f'<text x="{x:.1f}" y="{y + 15}" text-anchor="middle">{clock_text(place * step_s)}</text>'
