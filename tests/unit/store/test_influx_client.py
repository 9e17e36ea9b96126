"""What the InfluxDB client makes of times, texts and answers; the database itself is met in the contract tests."""

import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.store.influx.client import InfluxClient, quote, time_condition
from crampwatch.store.model.interface import FOREVER_NS, RejectedError


def test_times_stay_within_what_the_database_understands() -> None:
    assert time_condition(5, 9) == "time >= 5 AND time < 9"
    earliest, latest = -(1 << 62), (1 << 63) - 1_000_000_000
    assert time_condition(earliest, latest) == f"time >= {earliest} AND time < {latest}"
    assert time_condition(earliest - 1, FOREVER_NS) == f"time >= {earliest} AND time < {latest}"


def test_a_text_cannot_end_its_literal() -> None:
    assert quote(r"it's \ here") == r"'it\'s \\ here'"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, UnavailableError) for status in (None, 399, 401, 403, 404, 405, 408, 429, 500, 503)),
        *((status, RejectedError) for status in (400, 402, 413, 422, 499)),
    ],
)
def test_only_faults_of_the_message_itself_are_rejections(status: int | None, kind: type[Exception]) -> None:
    client = InfluxClient("http://127.0.0.1:9", token="", org="o", bucket="b")
    error = client._error_for_status(status, "why \n not")
    client.close()
    assert type(error) is kind
    assert "why not" in str(error)
