"""What the server tells by a code can be said in each language of the page; English comes with the message."""

import json
import re
import typing
from pathlib import Path

import pytest
from crampwatch.protocol.messages import NoticeCode
from crampwatch.protocol.reasons import Reason, ReasonCode
from crampwatch.web.http.openapi import ProblemCode

SOURCES = Path(__file__).parents[3] / "dashboards" / "frontend" / "src"
NUMBER = re.compile(r"{(\d)}")


def languages() -> list[str]:
    """Return those offered beside English."""
    offered = re.search(r"LANGUAGES.*= {(.*)};", (SOURCES / "language.ts").read_text("utf-8"))
    assert offered is not None
    found: list[str] = re.findall(r"(\w+):", offered[1])
    assert found[0] == "en"
    return found[1:]


@pytest.fixture(params=languages())
def told(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Return the catalogue of a language."""
    found: dict[str, dict[str, str]] = json.loads((SOURCES / "told" / f"{request.param}.json").read_text("utf-8"))
    return found


def test_every_reason_has_its_sentence(told: dict[str, dict[str, str]]) -> None:
    assert set(told["reasons"]) >= set(ReasonCode)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_reason_holds_its_number_as_exactly_as_in_english(told: dict[str, dict[str, str]], code: ReasonCode) -> None:
    placed = NUMBER.search(told["reasons"][code])
    said = re.search(r"1(\.2+)?", Reason(code=code, number=1.22222).text)
    assert (placed is None) == (said is None)
    if placed and said:
        assert int(placed[1]) == len(said[0].partition(".")[2])


def test_every_notice_has_its_sentence(told: dict[str, dict[str, str]]) -> None:
    assert set(told["notices"]) >= set(typing.get_args(NoticeCode))


def test_every_refusal_has_its_sentence(told: dict[str, dict[str, str]]) -> None:
    assert set(told["problems"]) >= set(typing.get_args(ProblemCode))
