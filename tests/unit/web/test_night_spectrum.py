"""A tone stands in its row, and silence is no tone."""

import numpy as np
from crampwatch.web.night.model.spectrum import compute_spectrum


def test_a_tone_is_brightest_in_its_row() -> None:
    at_s = np.arange(20_000) / 1000
    spectrum = compute_spectrum(50 * np.sin(2 * np.pi * 120 * at_s), 1000.0)
    row = int(np.argmax(spectrum.cells.mean(axis=0)))
    assert abs((row + 0.5) * spectrum.top_hz / spectrum.cells.shape[1] - 120) < 12
    assert spectrum.cells.max() == 255


def test_missing_samples_are_unknown_not_quiet() -> None:
    values = np.random.default_rng(1).standard_normal(10_000)
    values[4000:6000] = np.nan
    cells = compute_spectrum(values, 1000.0).cells
    assert (cells[len(cells) // 2] == 0).all()
    assert (cells[0] > 0).all()


def test_less_than_a_window_gives_one_unknown_column() -> None:
    assert compute_spectrum(np.ones(10), 1000.0).cells.shape[0] == 1
