"""Health and numbers of a service over HTTP, and what a stranger may do to that."""

import asyncio
import json
import logging
import re

import pytest
from crampwatch.app.config.settings import LogSettings, OpsSettings
from crampwatch.app.runtime import probe
from crampwatch.app.runtime.health import serve_health
from crampwatch.app.runtime.logs import log_to_terminal
from crampwatch.bus.endpoint import HOST, free_port
from crampwatch.bus.metrics import UNREADABLE, leaf_label, report_unreadable
from crampwatch.protocol.errors import FrameError, UnavailableError
from prometheus_client.parser import text_string_to_metric_families


async def ask(port: int, request: bytes) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_a_service_reports_its_health_and_the_reason() -> None:
    port, why = free_port(), ""
    async with serve_health(OpsSettings(HOST, port), "store", lambda: why):
        status, body = await ask(port, get("/healthz"))
        assert (status, json.loads(body)["status"]) == (200, "ok")
        why = "the disk is full"
        status, body = await ask(port, get("/healthz"))
        assert (status, json.loads(body)["why"]) == (503, "the disk is full")


async def test_metrics_are_as_prometheus_reads_them() -> None:
    port = free_port()
    async with serve_health(OpsSettings(HOST, port), "store", str):
        status, body = await ask(port, get("/metrics"))
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert status == 200
    assert {"crampwatch_messages_received", "crampwatch_broker_connected", "process_resident_memory_bytes"} <= set(
        families
    )
    assert families["crampwatch_info"].samples[0].labels["service"] == "store"


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (get("/"), 404),
        (get("/../etc/passwd"), 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"\xff\xfe\r\n\r\n", 405),
        (b"\r\n\r\n", 405),
    ],
)
async def test_other_requests_are_refused(request_text: bytes, status: int) -> None:
    port = free_port()
    async with serve_health(OpsSettings(HOST, port), "store", str):
        assert (await ask(port, request_text))[0] == status


async def test_endless_requests_are_cut_off() -> None:
    port = free_port()
    async with serve_health(OpsSettings(HOST, port), "store", str):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET /" + b"x" * 100_000)
        async with asyncio.timeout(5):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        writer.close()
        assert (await ask(port, get("/healthz")))[0] == 200


async def test_without_a_port_nothing_listens() -> None:
    async with serve_health(OpsSettings(HOST, 0), "store", str):
        pass


async def test_a_port_in_use_is_an_error() -> None:
    port = free_port()
    async with serve_health(OpsSettings(HOST, port), "one", str):
        with pytest.raises(UnavailableError, match="--ops-port"):
            async with serve_health(OpsSettings(HOST, port), "other", str):
                pass


@pytest.mark.parametrize(("why", "code"), [("", 0), ("ill", 1)])
async def test_the_exit_code_of_the_container_probe_is_what_docker_expects(
    why: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setenv("CRAMPWATCH_OPS_PORT", str(port))
    async with serve_health(OpsSettings(HOST, port), "store", lambda: why):
        assert await asyncio.to_thread(probe.main) == code
    assert why in capsys.readouterr().out
    assert await asyncio.to_thread(probe.main) == 1


def test_unreadable_messages_are_counted_and_the_log_is_not_filled(caplog: pytest.LogCaptureFixture) -> None:
    before = UNREADABLE.labels("journal")._value.get()
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            report_unreadable("crampwatch/v1/CW-1/journal", FrameError("no JSON"))
    assert UNREADABLE.labels("journal")._value.get() - before == 1000
    assert 1 <= len(caplog.records) <= 11


def test_invented_topics_create_no_time_series() -> None:
    assert leaf_label("crampwatch/v1/CW-1/samples") == "samples"
    assert {leaf_label(topic) for topic in ("", "x", "crampwatch/v1/a/zzz", "\x00/é")} == {"other"}


def test_a_log_line_is_one_json_object_whatever_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log_to_terminal(LogSettings(format="json"))
        logging.getLogger("x").warning('two\nlines, "quoted", %s', "\x1b[31m")
        try:
            int("no\nnumber")
        except ValueError:
            logging.getLogger("x").exception("with a traceback")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "error"]
    assert "ValueError" in lines[1]["exception"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["t"]) for line in lines)
