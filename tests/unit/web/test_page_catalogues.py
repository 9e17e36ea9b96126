"""The page's texts: what the server sends by a code is translated, and no text for people stands outside ``i18n/``.

That each language has every text of the page is checked by the TypeScript compiler, and how texts come out by the
page's own unit tests (``python hatch_build.py --test``).
"""

import json
import re
import typing
from pathlib import Path

import pytest
from crampwatch.protocol.messages import NoticeCode
from crampwatch.protocol.reasons import Reason, ReasonCode
from crampwatch.web.http.openapi import ProblemCode

SOURCES = Path(__file__).parents[3] / "dashboards" / "frontend" / "src"
I18N = SOURCES / "i18n"
NUMBER = re.compile(r"{(\d)}")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
NOT_FOR_PEOPLE = re.compile(r'(?:class: |font: |FONT = |from |new Error\()"[^"]*"')
LITERAL = re.compile(r'"[^"\n]*"|`[^`]*`')
PLACEHOLDER = re.compile(r"\${[^}]*}")
TWO_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


def languages() -> list[str]:
    """Return the languages offered beside English."""
    offered = re.search(r"LANGUAGES = {(.*)}", (I18N / "language.ts").read_text("utf-8"))
    assert offered is not None
    found: list[str] = re.findall(r"(\w+):", offered[1])
    assert found[0] == "en"
    return found[1:]


@pytest.fixture(params=languages())
def sentences(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Return a language's sentences by code."""
    found: dict[str, dict[str, str]] = json.loads((I18N / request.param / "server.json").read_text("utf-8"))
    return found


def code_outside_i18n() -> dict[str, str]:
    """Return the TypeScript sources that hold no texts, without comments."""
    sources = (path for path in SOURCES.rglob("*.ts") if I18N not in path.parents)
    return {str(path.relative_to(SOURCES)): COMMENT.sub("", path.read_text("utf-8")) for path in sources}


def test_every_reason_is_translated(sentences: dict[str, dict[str, str]]) -> None:
    assert set(sentences["reasons"]) >= set(ReasonCode)


@pytest.mark.parametrize("code", ReasonCode)
def test_a_reason_holds_its_number_with_as_many_decimals_as_in_english(
    sentences: dict[str, dict[str, str]], code: ReasonCode
) -> None:
    translated = NUMBER.search(sentences["reasons"][code])
    english = re.search(r"1(\.2+)?", Reason(code=code, number=1.22222).text)
    assert (translated is None) == (english is None)
    if translated and english:
        assert int(translated[1]) == len(english[0].partition(".")[2])


def test_every_notice_is_translated(sentences: dict[str, dict[str, str]]) -> None:
    assert set(sentences["notices"]) >= set(typing.get_args(NoticeCode))


def test_every_refusal_is_translated(sentences: dict[str, dict[str, str]]) -> None:
    assert set(sentences["problems"]) >= set(typing.get_args(ProblemCode))


def test_texts_for_people_stand_in_i18n_only() -> None:
    muscles = set(re.findall(r'\| ("[^"]*")', (SOURCES / "muscles.ts").read_text("utf-8")))
    assert muscles
    for name, code in code_outside_i18n().items():
        literals = set(LITERAL.findall(NOT_FOR_PEOPLE.sub("", code))) - muscles
        texts = [literal for literal in literals if TWO_WORDS.search(PLACEHOLDER.sub("", literal))]
        assert texts == [], name


@pytest.mark.parametrize("area", sorted(path.stem for path in (I18N / "en").glob("*.ts") if path.stem != "index"))
def test_every_text_is_used(area: str) -> None:
    sources = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.ts") if path.parent.parent != I18N)
    keys: list[str] = re.findall(r"^  (\w+):", (I18N / "en" / f"{area}.ts").read_text("utf-8"), re.MULTILINE)
    assert keys
    unused = {key for key in keys if not re.search(rf"[.\s]{key}\b", sources)}
    assert unused == set()
