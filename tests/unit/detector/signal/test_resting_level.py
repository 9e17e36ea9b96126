"""The noise floor when something else than muscle changes."""

import numpy as np
import pytest
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.model.events import Event, Features
from crampwatch.detector.pipeline.pipeline import Pipeline
from signals.detector_recordings import Array, stream

_REST_UV = 3.0


def noise_and_mains(rate_hz: float, mains_uv: float, *, length_s: float, begin_s: float, end_s: float) -> Array:
    rng = np.random.default_rng(5)
    t_s = np.arange(round(length_s * rate_hz)) / rate_hz
    harmonics = ((1, 1.0), (3, 0.4)) if rate_hz > 500 else ((1, 1.0),)
    lines = sum(share * np.sin(2 * np.pi * 50.0 * order * t_s) for order, share in harmonics)
    there = (t_s >= begin_s) & (t_s < end_s)
    return np.asarray(rng.normal(0.0, _REST_UV, len(t_s)) + np.where(there, mains_uv * lines, 0.0))[:, None]


def level_over_rest(events: list[Event], rate_hz: float, *, from_s: float) -> float:
    """Return the amplitude from a time on as a multiple of the noise floor."""
    features = [event for event in events if isinstance(event, Features)]
    places = np.concatenate([part.first_index + np.arange(len(part.rms)) * part.step_samples for part in features])
    ratio = np.concatenate([part.rms for part in features]) / np.concatenate([part.floor for part in features])
    return float(np.sqrt(np.mean(ratio[places > from_s * rate_hz] ** 2)))


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0])
@pytest.mark.parametrize("mains_uv", [10.0, 40.0, 200.0])
def test_rest_is_known_again_as_soon_as_the_mains_are_gone(rate_hz: float, mains_uv: float) -> None:
    emg_uv = noise_and_mains(rate_hz, mains_uv, length_s=200, begin_s=40, end_s=130)
    detector = Pipeline(stream(rate_hz, 1))
    events = [*detector.push(0, emg_uv), *detector.finish()]
    assert 0.8 < level_over_rest(events, rate_hz, from_s=133) < 1.25
    opened_s = {event.episode_id: event.onset_index / rate_hz for event in events if isinstance(event, Episode)}
    assert [onset_s for onset_s in opened_s.values() if onset_s > 133] == []


@pytest.mark.parametrize("begin_s", [0.0, 40.0])
def test_permanent_mains_do_not_hide_a_weaker_contraction(begin_s: float) -> None:
    emg_uv = noise_and_mains(1000.0, 200.0, length_s=260, begin_s=begin_s, end_s=999)
    burst = slice(250_000, 252_000)
    emg_uv[burst, 0] += np.random.default_rng(6).normal(0.0, 5.0 * _REST_UV, 2000)
    detector = Pipeline(stream(1000.0, 1))
    events = [*detector.push(0, emg_uv), *detector.finish()]
    assert 0.8 < level_over_rest(events[:1], 1000.0, from_s=252) < 1.25
    onsets_s = {event.onset_index / 1000 for event in events if isinstance(event, Episode)}
    assert [onset_s for onset_s in onsets_s if onset_s > 200] == [pytest.approx(250.0, abs=0.05)]
