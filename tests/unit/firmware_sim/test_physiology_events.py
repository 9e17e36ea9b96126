"""Cramps, movements, rhythms and faults against the numbers of the literature they imitate."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from crampwatch.firmware_sim.physiology.activity import Activity, Discharges
from crampwatch.firmware_sim.physiology.cramp import Cramp, draw_cramp
from crampwatch.firmware_sim.physiology.cramp_course import Onset
from crampwatch.firmware_sim.physiology.electrode import LeadOff, MainsStep, PatchyLink, PoorContact
from crampwatch.firmware_sim.physiology.event import Event
from crampwatch.firmware_sim.physiology.movement import Hold, LegMovements, RaisedTone, Repositioning, ToeCurls
from crampwatch.firmware_sim.physiology.randomness import Floats, rng_for
from crampwatch.firmware_sim.physiology.rhythm import Rhythm, UnitTrain
from crampwatch.firmware_sim.physiology.skin import SkinTemperature
from crampwatch.firmware_sim.physiology.twitch import Bursts, Fasciculations, Myokymia
from crampwatch.firmware_sim.physiology.wearer import Traits, Wearer, draw_wearer

WARM = Traits(skin=SkinTemperature(0, 33.0, 33.0, wander_c=0.0))


def wearer(seed: int = 3) -> Wearer:
    return draw_wearer(seed, WARM, channels=2, rate_hz=1000.0)


def rendered(activity: Activity, person: Wearer, seconds: float) -> Floats:
    total = np.zeros((int(seconds * 1000), person.channels))
    for discharges in activity.discharges:
        total += person.muscles[discharges.muscle].render(discharges, 0, total.shape[0])
    return total


def intervals_s(discharges: Discharges) -> Sequence[Floats]:
    """Intervals of each unit, without the pauses in which it is silent."""
    discharge_trains = [discharges.time_s[discharges.unit == unit] for unit in np.unique(discharges.unit)]
    steps = [np.diff(times) for times in discharge_trains if times.size > 40]
    return [step[step < 0.5] for step in steps]


def cv_median(discharges: Discharges) -> float:
    return float(np.median([step.std() / step.mean() for step in intervals_s(discharges)]))


def rms_course(signal: Floats, window: int = 250) -> Floats:
    return np.asarray(np.sqrt((signal[: signal.size // window * window].reshape(-1, window) ** 2).mean(axis=1)))


def plain_cramp(**changes: object) -> Cramp:
    defaults: dict[str, object] = {"muscle": 0, "duration_s": 60.0, "plateau_uv": 50.0, "heralds": 0}
    return Cramp(**(defaults | changes))  # type: ignore[arg-type] # a test helper that passes fields on


def test_cramp_units_discharge_as_irregularly_as_measured() -> None:
    person = wearer()
    cramps = [plain_cramp(after_twitches=0).generate(5.0, person, rng_for(seed)).discharges[1] for seed in range(6)]
    variation = [cv_median(cramp) for cramp in cramps]
    rates = [1 / np.median([step.mean() for step in intervals_s(cramp)]) for cramp in cramps]
    assert 0.35 < np.mean(variation) < 0.55  # 0.446 +- 0.097
    assert 10 < np.mean(rates) < 19.5  # 14.5 +- 5.1 a second


def test_voluntary_units_discharge_regularly() -> None:
    person = wearer()
    hold = Hold(0, 40.0, 0.4, unsteadiness=0.03).generate(5.0, person, rng_for(1))
    assert 0.08 < cv_median(hold.discharges[0]) < 0.24


@pytest.mark.parametrize("plateau_uv", [15.0, 50.0, 100.0])
def test_a_cramp_reaches_its_plateau(plateau_uv: float) -> None:
    person = wearer()
    reached = []
    for seed in range(4):
        activity = plain_cramp(plateau_uv=plateau_uv, onset="ramp").generate(0.0, person, rng_for(seed))
        reached.append(rendered(activity, person, 61.0)[20_000:40_000].std(axis=0).max())
    assert np.mean(reached) == pytest.approx(plateau_uv, rel=0.3)


def test_a_cramp_stays_local_and_a_hold_does_not() -> None:
    person = wearer()
    cramp = rendered(plain_cramp(after_twitches=0).generate(0.0, person, rng_for(1)), person, 60.0)
    hold = rendered(Hold(0, 30.0, 0.4).generate(0.0, person, rng_for(1)), person, 30.0)
    share = [signal.std(axis=0)[1] / signal.std(axis=0)[0] for signal in (cramp, hold)]
    assert share[0] < 0.4
    assert share[1] > share[0]


def test_potentials_slow_down_while_a_cramp_lasts() -> None:
    cramp = plain_cramp(slowing=1.3).generate_cramp_only(0.0, wearer(), rng_for(2))
    assert cramp.stretch[-1] / cramp.stretch[0] == pytest.approx(1.3, rel=0.02)


@pytest.mark.parametrize(("onset", "shortest_s", "longest_s"), [("abrupt", 0, 1.0), ("ramp", 0.2, 4), ("creep", 3, 20)])
def test_onset_forms_differ_in_how_long_they_take(onset: Onset, shortest_s: float, longest_s: float) -> None:
    person = wearer()
    durations_s = []
    for seed in range(5):
        activity = plain_cramp(onset=onset, rise_s=2.0).generate(0.0, person, rng_for(seed))
        course = rms_course(rendered(activity, person, 60.0)[:, 0])
        durations_s.append(0.25 * float(np.argmax(course > 0.6 * np.median(course[60:160]))))
    assert shortest_s <= np.median(durations_s) <= longest_s


def test_drawn_cramps_have_a_median_of_50_s_between_10_s_and_10_min() -> None:
    rng = rng_for(1)
    lengths_s = [draw_cramp(rng, 2).duration_s for _ in range(600)]
    assert np.median(lengths_s) == pytest.approx(50.0, rel=0.15)
    assert min(lengths_s) >= 10.0
    assert max(lengths_s) <= 600.0


def test_a_periodic_series_keeps_intervals_and_lengths_of_the_standard() -> None:
    series = LegMovements("plm", 12, 25.0, 2.0).generate(0.0, wearer(), rng_for(1))
    onsets = [span.onset_s for span in series.spans]
    assert len(onsets) >= 4
    assert all(5.0 < later - earlier < 90.0 for earlier, later in pairwise(onsets))
    assert all(0.5 <= span.offset_s - span.onset_s <= 10.5 for span in series.spans)


@pytest.mark.parametrize("beat_hz", [1.6, 6.0])
def test_a_rhythm_beats_at_its_rate(beat_hz: float) -> None:
    person = wearer()
    rhythm = Rhythm("tremor", 0, 30.0, beat_hz, irregularity=0.03).generate(0.0, person, rng_for(1))
    envelope = np.convolve(np.abs(rendered(rhythm, person, 30.0)[:, 0]), np.full(40, 1 / 40), "same")
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean()))
    assert np.fft.rfftfreq(envelope.size, 0.001)[spectrum.argmax()] == pytest.approx(beat_hz, rel=0.12)


def test_alternating_muscles_take_turns() -> None:
    person = wearer()
    turns = Rhythm("alma", 0, 30.0, 1.0, 0.3, synergy=(0.0, 0.0), alternates_with=1).generate(0.0, person, rng_for(1))
    levels = [
        np.convolve(np.abs(rendered(turns, person, 30.0)[:, channel]), np.full(100, 0.01), "same") for channel in (0, 1)
    ]
    half_a_beat = 500
    assert np.corrcoef(levels)[0, 1] < 0.1
    assert np.corrcoef(levels[0][:-half_a_beat], levels[1][half_a_beat:])[0, 1] > 0.6


def test_raised_tone_is_a_few_units_of_every_muscle_without_motion() -> None:
    tone = RaisedTone(0, 120.0, 0.03).generate(0.0, wearer(), rng_for(1))
    assert all(np.unique(discharges.unit).size < 60 for discharges in tone.discharges)
    assert sum(discharges.time_s.size > 100 for discharges in tone.discharges) >= 2
    assert not tone.disturbances


def test_a_poor_contact_adds_broad_noise_to_one_pair_only() -> None:
    person = wearer()
    noise = PoorContact(1, 20.0, times=4.0).generate(0.0, person, rng_for(1)).disturbances[0]
    added_uv = noise.evaluate(np.arange(5.0, 15.0, 0.001)).std(axis=0)
    assert added_uv[0] == 0.0
    assert added_uv[1] == pytest.approx(4.0 * person.floor_uv(0.0)[1], rel=0.25)


def test_a_patchy_link_loses_about_as_many_packets_as_requested() -> None:
    patch = PatchyLink(600.0, 0.1, 0.05).generate(0.0, wearer(), rng_for(1))
    assert len(patch.faults) == pytest.approx(0.1 * 600.0 / 0.05, rel=0.15)
    assert all(0.04 < fault.stop_s - fault.start_s < 0.2 for fault in patch.faults)


@pytest.mark.parametrize("rate_hz", [200.0, 250.0, 500.0])
def test_no_hum_is_folded_back_from_above_a_slow_sensors_band(rate_hz: float) -> None:
    person = draw_wearer(3, WARM, channels=1, rate_hz=rate_hz)
    hum = MainsStep(10.0, 30.0, is_dimmed=True).generate(0.0, person, rng_for(1)).disturbances[0]
    t_s = np.arange(2.0, 8.0, 1 / rate_hz)
    total = (hum.evaluate(t_s) + person.mains.evaluate(t_s))[:, 0] * np.hanning(t_s.size)
    power, hz = np.abs(np.fft.rfft(total)) ** 2, np.fft.rfftfreq(t_s.size, 1 / rate_hz)
    lines = np.arange(1, 10) * person.mains.frequency_hz
    assert power[np.abs(hz[:, None] - lines).min(axis=1) < 1.5].sum() > 0.99 * power.sum()
    assert not power[hz > 0.46 * rate_hz].sum() > 1e-3 * power.sum()


def test_a_train_of_a_single_unit_is_regular() -> None:
    run = UnitTrain(0, 60.0, 9.0, 0.05).generate(0.0, wearer(), rng_for(1))
    assert np.unique(run.discharges[0].unit).size == 1
    assert cv_median(run.discharges[0]) < 0.12


def test_fasciculations_are_lone_discharges_of_a_few_units() -> None:
    spell = Fasciculations(0, 120.0, 40.0, units=3).generate(0.0, wearer(), rng_for(1))
    assert 50 < len(spell.spans) < 110
    assert np.unique(spell.discharges[0].unit).size <= 3
    assert spell.discharges[0].time_s.size < 1.3 * len(spell.spans)


@pytest.mark.parametrize(
    "event",
    [
        plain_cramp(heralds=5, spreads_to=1, flutter_per_min=6.0),
        Hold(0, 8.0, 0.5),
        ToeCurls(1, 4, 0.4),
        LegMovements("plm", 6, 20.0),
        Repositioning(12.0),
        Rhythm("hflm", 0, 10.0),
        Rhythm("alma", 0, 10.0, alternates_with=1),
        RaisedTone(0, 60.0),
        PatchyLink(20.0),
        PoorContact(1, 30.0),
        MainsStep(10.0, 30.0, is_dimmed=True),
        UnitTrain(0, 20.0),
        Fasciculations(1, 60.0, 30.0),
        Bursts("rem_twitch", (0, 1), 40.0, 20.0),
        Bursts("jerk", (0, 1), all_muscles=True),
        Myokymia(0, 20.0),
        LeadOff(0, 10.0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_event_stays_within_its_extent_and_in_order(event: Event) -> None:
    for seed in range(3):
        activity = event.generate(100.0, wearer(), rng_for(seed))
        first_s, last_s = 100.0 - event.lead_s - 0.2, 100.0 + event.extent_s
        for discharges in activity.discharges:
            assert (np.diff(discharges.time_s) >= 0).all()
            assert discharges.time_s.size == 0 or first_s < discharges.time_s[0]
            assert discharges.time_s.size == 0 or discharges.time_s[-1] < last_s
        assert activity.spans
        assert all(first_s <= span.onset_s < span.offset_s <= last_s + 0.5 for span in activity.spans)
