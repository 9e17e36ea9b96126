"""Requests are refused beyond a limit, and answered at it."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.messages import JournalEntry
from crampwatch.web.access.auth import HostRule, Login
from crampwatch.web.app import create_app
from crampwatch.web.http.middleware import INTENT_HEADER
from crampwatch.web.http.openapi import (
    Operation,
    RefusedError,
    build_routes,
    conflict_if_unavailable,
    json_response,
    openapi_document,
    read_body,
)
from crampwatch.web.live.model import LiveModel
from crampwatch.web.night.api import NightApi
from crampwatch.web.night.model.schema import LabelChange, SignalQuery, SpectrumQuery
from crampwatch.web.night.recordings import Recordings
from crampwatch.web.night.repository import NightRepository
from crampwatch.web.settings.schema import Acknowledgement
from crampwatch.web.stream.sse import Hub
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

START_NS = 1_795_000_000_000_000_000
DAY_NS = 86_400_000_000_000


class Text(Struct):
    """A body of any length."""

    text: str


async def measure(request: Request) -> Response:
    body: Text = await read_body(request, Text)
    return json_response(len(body.text))


async def publish(_: Sequence[JournalEntry]) -> None:
    raise AssertionError


def browser_of(operations: Sequence[Operation], login: Login | None = None) -> httpx.AsyncClient:
    hub = Hub(LiveModel(now_ns=START_NS, utc_offset_s=0))
    app = create_app(assets={}, hub=hub, hosts=HostRule(), login=login, routes=build_routes(operations))
    headers = {INTENT_HEADER: "1", "Origin": "http://localhost"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", headers=headers)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    nights = NightApi(NightRepository(Recordings(()), ()), publish, lambda _session: {})
    async with browser_of([*nights.operations(), Operation("POST", "/measure", measure, "")]) as browser:
        yield browser


@pytest.mark.parametrize(("length", "status"), [(16_384, 200), (16_385, 413)])
async def test_a_json_body_has_at_most_16384_bytes(browser: httpx.AsyncClient, length: int, status: int) -> None:
    body = json.dumps({"text": "a" * (length - len('{"text": ""}'))})
    assert len(body) == length
    answer = await browser.post("/measure", content=body)
    assert answer.status_code == status
    if status == 413:
        assert answer.json() == {"error": "The request body has more than 16384 bytes.", "code": "too_much"}


@pytest.mark.parametrize(("length", "location"), [(4096, "/login?wrong"), (4097, None)])
async def test_the_login_form_has_at_most_4096_bytes(length: int, location: str | None) -> None:
    async with browser_of([], Login("a-token-of-24-characters")) as browser:
        answer = await browser.post("/login", content=b"token=" + b"a" * (length - 6))
    assert (answer.status_code, answer.headers.get("location")) == (303 if location else 413, location)


@pytest.mark.parametrize(
    ("length_ns", "status"), [(-1, 400), (0, 400), (1, 200), (8 * DAY_NS, 200), (8 * DAY_NS + 1, 400)]
)
async def test_a_span_ends_after_it_starts_and_lasts_eight_days_at_most(
    browser: httpx.AsyncClient, length_ns: int, status: int
) -> None:
    query = f"sensor=CW&from_ns={START_NS}&to_ns={START_NS + length_ns}&columns=10"
    answer = await browser.get(f"/api/v1/nights/2026-11-20/signal?{query}")
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("length_ns", "status"), [(600_000_000_000, 404), (600_000_000_001, 400)])
async def test_a_spectrum_spans_ten_minutes_at_most(browser: httpx.AsyncClient, length_ns: int, status: int) -> None:
    query = f"sensor=CW&from_ns={START_NS}&to_ns={START_NS + length_ns}"
    answer = await browser.get(f"/api/v1/nights/2026-11-20/spectrum?{query}")
    assert answer.status_code == status
    assert answer.json()["code"] == ("nothing_recorded" if status == 404 else "unfit")


async def test_answers_above_two_kilobytes_are_compressed(browser: httpx.AsyncClient) -> None:
    lengths = {True: list[int](), False: list[int]()}
    for columns in range(300, 360):
        query = f"sensor=CW&from_ns={START_NS}&to_ns={START_NS + DAY_NS}&columns={columns}"
        answer = await browser.get(f"/api/v1/nights/2026-11-20/signal?{query}")
        lengths["content-encoding" in answer.headers].append(len(answer.content))
    assert 2040 < max(lengths[False]) <= 2048 < min(lengths[True]) < 2060


QUERY: dict[str, Any] = {"sensor": "CW", "from_ns": "0", "to_ns": "1"}


@pytest.mark.parametrize(
    ("kind", "change", "is_valid"),
    [
        (SignalQuery, {"columns": "1"}, True),
        (SignalQuery, {"columns": "0"}, False),
        (SignalQuery, {"columns": "4000"}, True),
        (SignalQuery, {"columns": "4001"}, False),
        (SignalQuery, {"from_ns": "-1"}, False),
        (SignalQuery, {"to_ns": str((1 << 62) - 1)}, True),
        (SignalQuery, {"to_ns": str(1 << 62)}, False),
        (SignalQuery, {"sensor": ""}, False),
        (SignalQuery, {"sensor": "a" * 120}, True),
        (SignalQuery, {"sensor": "a" * 121}, False),
        (SpectrumQuery, {"channel": "63"}, True),
        (SpectrumQuery, {"channel": "64"}, False),
        (SpectrumQuery, {"channel": "-1"}, False),
    ],
)
def test_query_parameters_have_limits(kind: type[Struct], change: dict[str, str], is_valid: bool) -> None:
    assert is_valid_as(kind, {**QUERY, **change}) is is_valid


@pytest.mark.parametrize(
    ("kind", "body", "is_valid"),
    [
        (LabelChange, {"pain": 0}, True),
        (LabelChange, {"pain": -1}, False),
        (LabelChange, {"pain": 10}, True),
        (LabelChange, {"pain": 11}, False),
        (LabelChange, {"note": "a" * 500}, True),
        (LabelChange, {"note": "a" * 501}, False),
        (LabelChange, {"helped": ["stretch"] * 6}, True),
        (LabelChange, {"helped": ["stretch"] * 7}, False),
        (LabelChange, {"mood": "good"}, False),
        (Acknowledgement, {"episodes": []}, False),
        (Acknowledgement, {"episodes": ["a"] * 50}, True),
        (Acknowledgement, {"episodes": ["a"] * 51}, False),
    ],
)
def test_bodies_have_limits(kind: type[Struct], body: dict[str, Any], is_valid: bool) -> None:
    assert is_valid_as(kind, body) is is_valid


def is_valid_as(kind: type[Struct], value: dict[str, Any]) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("status", "code"), [(400, "unfit"), (404, "not_there"), (409, "not_now"), (413, "too_much"), (503, "away")]
)
def test_a_refusal_without_a_code_has_the_one_of_its_status(status: int, code: str) -> None:
    assert json.loads(bytes(RefusedError(status, "No.").response.body)) == {"error": "No.", "code": code}


def test_what_is_unavailable_is_refused_as_a_conflict() -> None:
    with pytest.raises(RefusedError) as refused, conflict_if_unavailable():
        raise UnavailableError("It is busy.", code="backup_busy")
    assert refused.value.response.status_code == 409
    assert json.loads(bytes(refused.value.response.body)) == {"error": "It is busy.", "code": "backup_busy"}


def test_operation_ids_are_unique_and_a_json_body_may_be_too_long() -> None:
    nights = NightApi(NightRepository(Recordings(()), ()), publish, lambda _session: {})
    paths = openapi_document(nights.operations(), version="0")["paths"]
    described = [operation for methods in paths.values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in described}) == len(described)
    label = paths["/api/v1/nights/{night}/episodes/{episode}/label"]["patch"]
    assert set(label["responses"]) == {"200", "400", "404", "413", "503"}
