"""The sections against SciPy's designs of the same filters."""

import numpy as np
import pytest
from crampwatch.detector.signal.biquad import high_pass, low_pass, notch
from scipy import signal

RATES_HZ = (200.0, 250.0, 500.0, 1000.0, 2000.0)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("order", [2, 4])
def test_butterworth_sections_answer_as_scipys_do(rate_hz: float, order: int) -> None:
    for design, kind in ((low_pass, "low"), (high_pass, "high")):
        theirs = signal.butter(order, 20.0, kind, fs=rate_hz, output="sos")
        _answers_alike(design(order, 20.0, rate_hz), theirs, rate_hz)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_notch_answers_as_scipys_does(rate_hz: float) -> None:
    theirs = np.concatenate(signal.iirnotch(50.0, 50.0 / 3.0, fs=rate_hz))
    np.testing.assert_allclose(notch(50.0, 3.0, rate_hz), theirs, atol=1e-12)


def _answers_alike(ours: np.ndarray, theirs: np.ndarray, rate_hz: float) -> None:
    hz = np.linspace(0.5, 0.49 * rate_hz, 200)
    np.testing.assert_allclose(
        signal.freqz_sos(ours, hz, fs=rate_hz)[1], signal.freqz_sos(theirs, hz, fs=rate_hz)[1], atol=1e-9
    )
