"""A tone shows in its row, and missing samples stay missing."""

import numpy as np
import pytest
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


def test_a_long_span_has_no_more_columns_and_rows_than_a_screen_shows() -> None:
    cells = compute_spectrum(np.random.default_rng(1).standard_normal(200_000), 1000.0).cells
    assert (380 <= cells.shape[0] <= 400, cells.shape[1] <= 96) == (True, True)


def test_a_window_is_a_quarter_of_a_second() -> None:
    assert compute_spectrum(np.ones(256), 1000.0).cells.shape[0] == 1
    spectrum = compute_spectrum(np.random.default_rng(1).standard_normal(288), 1000.0)
    assert (spectrum.cells.shape[0], spectrum.step_s, spectrum.lead_s) == (2, 0.032, 0.112)


def test_cells_span_50_db() -> None:
    at_s = np.arange(20_000) / 1000
    loud, quiet = np.sin(2 * np.pi * 100 * at_s), 10 ** (-25 / 20) * np.sin(2 * np.pi * 400 * at_s)
    spectrum = compute_spectrum(loud + quiet, 1000.0)
    row = int(400 / spectrum.top_hz * spectrum.cells.shape[1])
    assert spectrum.range_db == 50
    assert spectrum.cells[5, row - 2 : row + 3].max() == pytest.approx(128, abs=8)  # 25 of 50 dB below
