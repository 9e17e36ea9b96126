"""Bounds of the pipeline as a whole: the least floor, the envelope, what is refused."""

import math

import numpy as np
import pytest
from crampwatch.detector.model.config import DetectorConfig
from crampwatch.detector.model.events import Features
from crampwatch.detector.pipeline.pipeline import Pipeline
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.stream import StreamDescription
from signals.detector_recordings import Array, stream

RATE_HZ = 1000.0


def features(description: StreamDescription, emg: Array, config: DetectorConfig | None = None) -> Features:
    events = Pipeline(description, config=config).push(0, emg)
    (found,) = (event for event in events if isinstance(event, Features))
    return found


def quiet(seconds: float, size: float = 1e-6) -> Array:
    return np.random.default_rng(3).normal(0.0, size, (round(seconds * RATE_HZ), 1))


@pytest.mark.parametrize(("lsb_uv", "least_uv"), [(0.2, 0.5), (0.99, 0.5), (1.01, 0.505), (3.0, 1.5), (math.nan, 0.5)])
def test_no_floor_is_below_an_electrodes_noise_or_half_a_count(lsb_uv: float, least_uv: float) -> None:
    found = features(stream(RATE_HZ, 1, lsb_uv), quiet(4.0))
    assert found.floor[-1, 0] == pytest.approx(least_uv)


def test_the_least_floor_is_configured_where_the_scale_is_known() -> None:
    config = DetectorConfig(least_floor_uv=0.9)
    assert features(stream(RATE_HZ, 1), quiet(4.0), config).floor[-1, 0] == pytest.approx(0.9)
    assert features(stream(RATE_HZ, 1, math.nan), quiet(4.0), config).floor[-1, 0] == pytest.approx(0.5)


def test_the_envelope_is_that_of_the_last_three_hops() -> None:
    emg = quiet(3.0, 5.0)
    emg[1500:1600] = np.nan
    found = features(stream(RATE_HZ, 1), emg)
    power = found.rms[:, 0] ** 2
    for hop in (10, 14, 15, 16, 20, 29):
        expected = math.sqrt(np.nanmean(power[hop - 2 : hop + 1]))
        assert found.envelope[hop, 0] == pytest.approx(expected)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, math.nan, math.inf])
def test_a_stream_without_a_usable_rate_is_refused(rate_hz: float) -> None:
    with pytest.raises(ConfigurationError, match="Cannot analyse"):
        Pipeline(stream(rate_hz, 1))


def test_a_stream_without_channels_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Cannot analyse 0 channels"):
        Pipeline(stream(RATE_HZ, 0))
