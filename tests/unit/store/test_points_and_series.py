import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import Battery, ServiceStatus
from crampwatch.protocol.topics import Leaf
from crampwatch.store.engines import open_store
from crampwatch.store.model.points import STORED_LEAVES, document_of, document_time_ns, readings_of
from crampwatch.store.model.series import Series, thin_out
from nights.stored_messages import T0_NS, episode, features, info, journal, notice, temperature


def test_samples_are_not_for_the_store() -> None:
    assert set(STORED_LEAVES) == set(Leaf) - {Leaf.SAMPLES}


def test_each_message_is_readings_or_a_document() -> None:
    for message in (episode(), notice(0), journal(0), info()):
        assert document_of(message) is not None
        assert readings_of(message) == []
    status = ServiceStatus(sensor="left", t_ns=0, origin=Origin.LIVE, online=True, service="collector")
    for reading in (
        features(0),
        temperature(0, 1.0),
        Battery(sensor="l", t_ns=0, origin=Origin.LIVE, percent=1),
        status,
    ):
        assert document_of(reading) is None
        assert readings_of(reading)


def test_an_unknown_temperature_is_no_reading() -> None:
    assert readings_of(temperature(0, None)) == []


def test_a_step_said_again_a_little_later_has_the_same_time() -> None:
    first, again = readings_of(features(3)), readings_of(features(3, t_ns=T0_NS + 300_000_000 + 900_000))
    assert [reading.t_ns for reading in first] == [reading.t_ns for reading in again]


def test_a_final_verdict_outranks_every_live_revision() -> None:
    live, final = document_of(episode(revision=4_000_000_000)), document_of(episode(revision=0, status="final"))
    assert live is not None
    assert final is not None
    assert final.rank > live.rank


def test_documents_of_one_moment_get_moments_of_their_own() -> None:
    documents = [document_of(episode(0, id=f"e{n}")) for n in range(20)]
    times = {document_time_ns(document) for document in documents if document is not None}
    assert len(times) == 20
    assert all(0 <= t_ns - T0_NS < 1000 for t_ns in times)


def test_thinning_keeps_the_peak_and_the_gap() -> None:
    t_ns = np.concatenate([np.arange(0, 400), np.arange(800, 1000)])
    column = np.zeros((600, 1))
    column[123] = 9.0
    column[0] = np.nan
    series = thin_out(Series(t_ns, {"envelope": column, "rms": column}), since_ns=0, until_ns=1000, max_points=10)
    assert series.t_ns.tolist() == list(range(0, 1000, 100))
    assert np.nan_to_num(series.values["envelope"][:, 0], nan=-1).tolist() == [0, 9, 0, 0, -1, -1, -1, -1, 0, 0]
    assert series.values["rms"][1, 0] == pytest.approx(0.09)


def test_few_points_are_left_alone() -> None:
    series = Series(np.arange(5), {"celsius": np.zeros((5, 1))})
    assert thin_out(series, since_ns=0, until_ns=10**18, max_points=5) is series


@pytest.mark.parametrize("url", ["", "store.sqlite", "sqlite://", "postgres://h/db", "sqlite://relative"])
def test_an_address_that_is_no_stores(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///path"):
        open_store(url)


def test_one_point_more_than_asked_for_is_thinned() -> None:
    series = Series(np.arange(6), {"celsius": np.zeros((6, 1))})
    thinned = thin_out(series, since_ns=0, until_ns=6, max_points=5)
    assert thinned.t_ns.tolist() == [0, 2, 4]
    assert thin_out(series, since_ns=0, until_ns=6, max_points=6) is series


def test_rows_made_of_several_values_are_weighted_and_always_in_equal_spans() -> None:
    values = {"rms": np.array([[1.0], [4.0]]), "median_hz": np.array([[np.nan], [60.0]])}
    series = Series(np.array([0, 1]), values)
    counts = np.array([[1.0], [2.0]])
    thinned = thin_out(series, since_ns=0, until_ns=4, max_points=2, counts=counts)
    assert thinned.t_ns.tolist() == [0, 2]
    assert np.nan_to_num(thinned.values["rms"][:, 0], nan=-1).tolist() == [3.0, -1.0]
    assert thinned.values["median_hz"][0, 0] == 60.0, "an unknown value has no weight"


def test_the_time_of_a_step_is_rounded_to_ten_milliseconds() -> None:
    def time_of(shift_ns: int) -> int:
        return readings_of(features(0, 1, t_ns=T0_NS + shift_ns))[0].t_ns - T0_NS

    assert [time_of(shift_ns) for shift_ns in (-5_000_001 + 1024, 4_999_000, 5_001_000)] == [0, 0, 10_000_000]
