"""What every answer contains, and which requests are refused."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.access.auth import HostRule, Login
from crampwatch.web.app import create_app
from crampwatch.web.http.assets import load_assets
from crampwatch.web.http.middleware import HEADERS, INTENT_HEADER
from crampwatch.web.live.model import LiveModel
from crampwatch.web.stream.sse import Hub

OWN = "http://localhost:8042"
TOKEN = "a-token-of-24-characters"
PAGE = {
    "index.html": "<!doctype html><title>crampwatch</title>",
    "login.html": "<form>",
    "app.js": "start()",
    "app.css": "body{}",
    "icon.svg": "<svg/>",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name, content in PAGE.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "inputs.sha256").write_text("not for browsers")
    return tmp_path


def client(bundle: Path, *, login: Login | None = None) -> httpx.AsyncClient:
    hub = Hub(LiveModel(now_ns=0, utc_offset_s=0))
    app = create_app(assets=load_assets(bundle), hub=hub, hosts=HostRule(), login=login)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN, headers={"Origin": OWN})


@pytest.fixture
async def open_page(bundle: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(bundle) as browser:
        yield browser


@pytest.fixture
async def guarded_page(bundle: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(bundle, login=Login(TOKEN)) as browser:
        yield browser


@pytest.mark.parametrize("path", ["/", "/assets/app.js", "/assets/none.js", "/nowhere", "/api/v1/health"])
async def test_every_answer_carries_the_security_headers(open_page: httpx.AsyncClient, path: str) -> None:
    answer = await open_page.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] in ("no-store", "no-cache")


async def test_the_page_and_its_files_are_served_compressed_and_revalidated(open_page: httpx.AsyncClient) -> None:
    page = await open_page.get("/")
    assert (page.status_code, page.text) == (200, PAGE["index.html"])
    assert page.headers["content-encoding"] == "gzip"
    again = await open_page.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = await open_page.get("/assets/app.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == b"start()"


@pytest.mark.parametrize("name", ["inputs.sha256", "..%2findex.html", "%2e%2e/%2e%2e/access.py", "none.js"])
async def test_only_the_page_s_own_files_are_served(open_page: httpx.AsyncClient, name: str) -> None:
    assert (await open_page.get(f"/assets/{name}")).status_code == 404


async def test_a_foreign_host_name_is_misdirected(open_page: httpx.AsyncClient) -> None:
    answer = await open_page.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "X-Frame-Options" in answer.headers


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
])  # fmt: skip
async def test_another_site_s_page_is_refused(open_page: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await open_page.get("/api/v1/health", headers=headers)).status_code == 403


async def test_following_a_link_to_the_page_is_fine(open_page: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await open_page.get("/", headers=headers)).status_code == 200


async def test_without_a_login_nothing_is_shown(guarded_page: httpx.AsyncClient) -> None:
    page = await guarded_page.get("/")
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    for path in ("/api/v1/live", "/api/v1/health", "/assets/app.js"):
        assert (await guarded_page.get(path)).status_code == 401
    assert (await guarded_page.get("/login")).status_code == 200


async def test_the_token_opens_the_page_by_a_cookie_scripts_and_other_sites_cannot_use(
    guarded_page: httpx.AsyncClient,
) -> None:
    answer = await guarded_page.post("/login", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert (await guarded_page.get("/")).status_code == 200


async def test_wrong_tokens_are_refused_and_then_have_to_wait(guarded_page: httpx.AsyncClient) -> None:
    for _ in range(5):
        assert (await guarded_page.post("/login", data={"token": "no"})).headers["location"] == "/login?wrong"
    assert (await guarded_page.post("/login", data={"token": TOKEN})).headers["location"] == "/login?wait"


async def test_a_login_posted_by_another_site_is_refused(guarded_page: httpx.AsyncClient) -> None:
    answer = await guarded_page.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {"Origin": ""}])
async def test_a_login_form_must_have_an_origin(bundle: Path, headers: dict[str, str]) -> None:
    async with client(bundle, login=Login(TOKEN)) as browser:
        del browser.headers["Origin"]
        given = {name: value for name, value in headers.items() if value}
        assert (await browser.post("/login", data={"token": TOKEN}, headers=given)).status_code == 403


async def test_a_change_needs_the_intent_header(open_page: httpx.AsyncClient) -> None:
    assert (await open_page.post("/api/v1/anything")).status_code == 403
    assert (await open_page.post("/api/v1/anything", headers={INTENT_HEADER: "1"})).status_code == 404
    assert "access-control-allow-origin" not in (await open_page.options("/api/v1/anything")).headers


async def test_logging_out_removes_the_cookie(guarded_page: httpx.AsyncClient) -> None:
    await guarded_page.post("/login", data={"token": TOKEN})
    assert (await guarded_page.get("/")).status_code == 200
    assert (await guarded_page.post("/logout")).headers["location"] == "/login"
    assert (await guarded_page.get("/")).status_code == 303


@pytest.mark.parametrize("body", [b"token=" + b"a" * 5000, b"\xff\xfe", b"a=1&b=2&c=3&d=4&e=5&f=6", b""])
async def test_an_unexpected_form_is_no_login(guarded_page: httpx.AsyncClient, body: bytes) -> None:
    answer = await guarded_page.post("/login", content=body)
    assert answer.status_code in (303, 400, 413)
    assert "set-cookie" not in answer.headers


def test_a_page_that_was_never_bundled_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"pip install .*hatch_build\.py"):
        load_assets(tmp_path)
