"""A night belongs to the evening on which it started, and simulated nights have separate names."""

from datetime import UTC, datetime

import pytest
from crampwatch.web.night.model.naming import night_name, night_origin


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc,arg-type] # year to minute


@pytest.mark.parametrize(
    ("began", "offset_s", "night"),
    [
        (ns(2026, 11, 20, 22, 30), 0, "2026-11-20"),
        (ns(2026, 11, 21, 3, 0), 0, "2026-11-20"),
        (ns(2026, 11, 21, 11, 59), 0, "2026-11-20"),
        (ns(2026, 11, 21, 12, 0), 0, "2026-11-21"),
        (ns(2026, 11, 21, 3, 0), -8 * 3600, "2026-11-20"),
        (ns(2026, 11, 21, 3, 0), 10 * 3600, "2026-11-21"),
    ],
)
def test_a_night_lasts_from_noon_to_noon_local_time(began: int, offset_s: int, night: str) -> None:
    assert night_name(began, offset_s, "live") == night


def test_simulated_nights_never_share_a_name_with_real_ones() -> None:
    assert night_name(ns(2026, 11, 20, 22, 0), 0, "demo") == "demo.2026-11-20"
    assert night_origin("demo.2026-11-20") == "demo"
    assert night_origin("2026-11-20") == "live"


def test_the_night_changes_at_noon_sharp() -> None:
    noon_ns = ns(2026, 11, 21, 12, 0)
    assert night_name(noon_ns - 1, 0, "live") == "2026-11-20"
    assert night_name(noon_ns, 0, "live") == "2026-11-21"
