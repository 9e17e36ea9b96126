"""Motor units, potentials and electrodes against the numbers they are built on."""

import numpy as np
import pytest
from crampwatch.firmware_sim.physiology.activity import Discharges
from crampwatch.firmware_sim.physiology.background import Heart, Mains, NoiseFloor
from crampwatch.firmware_sim.physiology.discharge import discharge_trains, sorted_discharges
from crampwatch.firmware_sim.physiology.front_end import FrontEnd
from crampwatch.firmware_sim.physiology.randomness import Floats, Noise, rng_for
from crampwatch.firmware_sim.physiology.skin import SkinTemperature, amplitude_factor, duration_factor
from crampwatch.firmware_sim.physiology.wearer import Traits, Wearer, draw_wearer
from hypothesis import given, settings
from hypothesis import strategies as st


def wearer(seed: int = 3, *, rate_hz: float = 1000.0, channels: int = 2) -> Wearer:
    return draw_wearer(seed, Traits(), channels=channels, rate_hz=rate_hz)


def mean_frequency_hz(signal: Floats, rate_hz: float = 1000.0) -> float:
    power = np.abs(np.fft.rfft(signal * np.hanning(signal.size))) ** 2
    frequency_hz = np.fft.rfftfreq(signal.size, 1 / rate_hz)
    return float((frequency_hz * power).sum() / power.sum())


def steady_firing(muscle_units: int, *, stretch: float, gain: float, seconds: float = 30.0) -> Discharges:
    rates_hz = np.full((muscle_units, 2), 12.0)
    times, unit = discharge_trains(rng_for(9), np.array([0.0, seconds]), rates_hz, interval_cv=0.2)
    return sorted_discharges(0, times, unit, stretch=stretch, gain=gain)


@given(first=st.integers(-10_000, 10_000), count=st.integers(1, 9000), skip=st.integers(0, 8999))
@settings(max_examples=40, deadline=None)
def test_a_noise_sequence_reads_the_same_from_anywhere(first: int, count: int, skip: int) -> None:
    noise = Noise(5, 6)
    skip = min(skip, count - 1)
    assert (noise.values(first, count)[skip:] == noise.values(first + skip, count - skip)).all()


def test_smooth_noise_has_unit_variance_and_no_fast_power() -> None:
    curve = Noise(1).smooth(np.arange(0.0, 4000.0, 0.1))
    power = np.abs(np.fft.rfft(curve)) ** 2
    cycles_a_step = np.fft.rfftfreq(curve.size, 0.1)
    assert curve.std() == pytest.approx(1.0, rel=0.05)
    assert power[cycles_a_step > 0.6].sum() < 0.02 * power.sum()


def test_slow_noise_is_smooth_noise_drawn_by_lines() -> None:
    t_s = np.arange(100.0, 160.0, 0.01)
    assert Noise(2).slow(t_s, 5.0) == pytest.approx(Noise(2).smooth(t_s / 5.0), abs=0.01)


@pytest.mark.parametrize("cv", [0.1, 0.2, 0.45])
def test_a_train_has_the_rate_and_the_requested_interval_variation(cv: float) -> None:
    time_s = np.linspace(0.0, 600.0, 1000)
    intervals = np.diff(discharge_trains(rng_for(1), time_s, np.full((1, 1000), 12.0), interval_cv=cv)[0])
    assert 1 / intervals.mean() == pytest.approx(12.0, rel=0.05)
    assert intervals.std() / intervals.mean() == pytest.approx(cv, rel=0.1)


def test_a_silenced_unit_does_not_discharge() -> None:
    time_s = np.arange(0.0, 30.0, 0.02)
    rate_hz = np.where((time_s > 10) & (time_s < 20), 0.0, 15.0)
    spikes = discharge_trains(rng_for(2), time_s, rate_hz[None, :], interval_cv=0.2)[0]
    assert spikes.size > 200
    assert not ((spikes > 10.1) & (spikes < 19.9)).any()


def test_doublets_are_short_and_as_many_as_asked_for() -> None:
    rates_hz = np.full((20, 2), 12.0)
    times, unit = discharge_trains(rng_for(3), np.array([0.0, 60.0]), rates_hz, interval_cv=0.2, doublet_share=0.05)
    intervals = np.concatenate([np.diff(times[unit == row]) for row in range(20)])
    assert (intervals > 0.003).all()
    assert (intervals < 0.0101).mean() == pytest.approx(0.05, abs=0.01)


def test_units_are_recruited_by_size() -> None:
    muscle = wearer().muscles[0]
    small, large = muscle.energy_uv2s[:30].max(axis=1), muscle.energy_uv2s[-30:].max(axis=1)
    assert (np.diff(muscle.threshold) > 0).all()
    assert np.median(large) > 4 * np.median(small)


def test_campbells_theorem_predicts_the_rms() -> None:
    muscle = wearer().muscles[0]
    firing = steady_firing(muscle.units, stretch=1.0, gain=1.0)
    rendered = muscle.render(firing, 2000, 26_000)
    predicted = muscle.rms_uv(np.arange(muscle.units), 12.0)
    assert rendered.std(axis=0) == pytest.approx(predicted, rel=0.12)


def test_rendering_in_two_windows_equals_rendering_in_one() -> None:
    muscle = wearer().muscles[0]
    firing = steady_firing(muscle.units, stretch=1.1, gain=1.0, seconds=4.0)
    whole = muscle.render(firing, 0, 4000)
    halves = np.concatenate([muscle.render(firing, 0, 1777), muscle.render(firing, 1777, 4000 - 1777)])
    assert halves == pytest.approx(whole, abs=1e-3)


def test_surface_emg_has_the_spectrum_of_surface_emg() -> None:
    for seed in range(4):
        muscle = wearer(seed).muscles[0]
        rendered = muscle.render(steady_firing(muscle.units, stretch=1.0, gain=1.0), 1000, 20_000)[:, 0]
        assert 70 < mean_frequency_hz(rendered) < 190


def test_crosstalk_is_weaker_and_slower_than_the_muscle_itself() -> None:
    muscle = wearer(5).muscles[0]
    rendered = muscle.render(steady_firing(muscle.units, stretch=1.0, gain=1.0), 1000, 20_000)
    assert rendered[:, 1].std() < 0.4 * rendered[:, 0].std()
    assert mean_frequency_hz(rendered[:, 1]) < mean_frequency_hz(rendered[:, 0])


def test_a_cold_foot_doubles_amplitude_and_lowers_the_spectrum_as_measured_on_soleus() -> None:
    muscle = wearer().muscles[0]

    def at(skin_c: float) -> Floats:
        firing = steady_firing(muscle.units, stretch=duration_factor(skin_c), gain=amplitude_factor(skin_c))
        return muscle.render(firing, 1000, 25_000)[:, 0]

    warm, cold = at(32.9), at(21.7)
    assert cold.std() / warm.std() == pytest.approx(135 / 73, rel=0.12)
    assert mean_frequency_hz(warm) / mean_frequency_hz(cold) == pytest.approx(142 / 83, rel=0.12)


@pytest.mark.parametrize("rate_hz", [200.0, 250.0, 500.0, 1000.0, 2000.0])
def test_a_slower_sensor_sees_the_slower_part_of_the_same_potentials(rate_hz: float) -> None:
    muscle = wearer(rate_hz=rate_hz).muscles[0]
    firing = steady_firing(muscle.units, stretch=1.0, gain=1.0)
    rendered = muscle.render(firing, int(rate_hz), int(20 * rate_hz))[:, 0]
    assert np.isfinite(rendered).all()
    assert mean_frequency_hz(rendered, rate_hz) < 0.45 * rate_hz


def test_the_noise_floor_has_the_rms_it_claims_in_band() -> None:
    front_end = FrontEnd(1000.0, (10.0, 450.0), 8000.0)
    floor = NoiseFloor(1, 0, 2.0, drift_uv=3.0)
    noise = floor.evaluate(0, 60_000, rate_hz=1000.0, band_hz=front_end.band_hz)
    assert front_end.filter(noise[:, None])[2000:].std() == pytest.approx(2.0, rel=0.12)


def test_mains_is_a_line_with_odd_harmonics() -> None:
    t_s = np.arange(20_000) / 1000.0
    hum = Mains(1, 50.0, (3.0,), third=0.3).evaluate(t_s)[:, 0]
    power = np.abs(np.fft.rfft(hum * np.hanning(hum.size))) ** 2
    near = [power[(line - 1) * 20 : (line + 1) * 20].sum() / power.sum() for line in (50, 100, 150, 250)]
    assert near[0] > 0.85
    assert near[1] < 1e-3
    assert near[2] == pytest.approx(0.09 * near[0], rel=0.1)
    assert near[3] == pytest.approx(0.0225 * near[0], rel=0.1)


def test_the_heart_beats_at_its_rate_and_reads_the_same_in_pieces() -> None:
    heart, t_s = Heart(4, 1.1, (10.0, -5.0)), np.arange(60_000) / 1000.0
    wave = heart.evaluate(t_s)
    beats = np.diff((wave[:, 0] > 5.0).astype(int)) == 1
    assert beats.sum() == pytest.approx(66, abs=6)
    pieces = np.concatenate([heart.evaluate(t_s[:12_345]), heart.evaluate(t_s[12_345:])])
    assert pieces == pytest.approx(wave, abs=1e-6)


def test_the_front_end_settles_removes_offset_and_clips() -> None:
    front_end = FrontEnd(1000.0, (10.0, 450.0), 1000.0)
    step = front_end.filter(np.full((front_end.settle_samples + 1, 1), 1e6))
    assert abs(step[-1, 0]) < 1e6 * 1e-6
    assert front_end.clip(np.array([[5e4], [-5e4]])).ravel().tolist() == [1000.0, -1000.0]


def test_a_foot_warms_in_bed_and_cools_out_of_it() -> None:
    course = SkinTemperature(1, 27.0, 34.0, 1200.0, wander_c=0.0, excursions=((10_000.0, 1200.0, 4.0),))
    bedtime, settled, out, back = course.at(np.array([0.0, 9000.0, 11_200.0, 16_000.0]))
    assert bedtime == pytest.approx(27.0)
    assert settled == pytest.approx(34.0, abs=0.1)
    assert out == pytest.approx(30.0, abs=0.3)
    assert back == pytest.approx(34.0, abs=0.1)
