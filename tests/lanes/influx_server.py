"""Debian's InfluxDB 1.6 as a stand-in for 2.x: a proxy maps the write path of 2.x, which 1.6 lacks."""

import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from crampwatch.bus.endpoint import HOST, free_port
from lanes.lanes import require_program
from lanes.patience import PATIENCE_S

TOKEN = "test-token"


class InfluxServer:
    """An influxd in a folder, behind its proxy, which can be away for a while.

    Attributes:
        url: Of the proxy.
        refuses: While True, every write is answered by 503, as by a server that is starting.
    """

    def __init__(self, directory: Path) -> None:
        self._program = require_program("influxd", "influxdb")
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._proxy = ThreadingHTTPServer((HOST, 0), self._handler())
        self.url = f"http://{HOST}:{self._proxy.server_address[1]}"
        self.refuses = False

    def start(self) -> None:
        """Start both, with an empty database ``crampwatch``."""
        self._directory.mkdir(exist_ok=True)
        configuration = self._directory / "influxd.conf"
        configuration.write_text(_configuration(self._directory, self._port, free_port()), "utf-8")
        with (self._directory / "influxd.log").open("wb") as log:
            self._process = subprocess.Popen([self._program, "-config", configuration], stdout=log, stderr=log)
        self._wait_until_ready()
        threading.Thread(target=self._proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.query("CREATE DATABASE crampwatch")

    def stop(self) -> None:
        """End both."""
        self._proxy.shutdown()
        self._proxy.server_close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def query(self, text: str, *, epoch: str = "") -> bytes:
        """Run an InfluxQL statement past the proxy; times as text, or since 1970 in the unit `epoch`."""
        form = urllib.parse.urlencode({"q": text, "db": "crampwatch", "epoch": epoch}).encode()
        with urllib.request.urlopen(f"http://{HOST}:{self._port}/query", form, timeout=30) as answer:
            content: bytes = answer.read()
        return content

    def empty(self) -> None:
        """Forget all points."""
        self.query("DROP DATABASE crampwatch")
        self.query("CREATE DATABASE crampwatch")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self._port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self._directory / "influxd.log").read_text(errors="replace")[-2000:])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass_on(self.path, None)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                parts = urllib.parse.urlsplit(self.path)
                bucket = urllib.parse.parse_qs(parts.query)["bucket"][0]
                self._pass_on(f"/write?db={bucket}&precision=ns", body)

            def _pass_on(self, path: str, body: bytes | None) -> None:
                if server.refuses:
                    self._answer(503, b"starting")
                elif self.headers["Authorization"] != f"Token {TOKEN}":
                    self._answer(401, b"unauthorized")
                else:
                    self._answer(*server._ask(path, body))

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        return Handler

    def _ask(self, path: str, body: bytes | None) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._port}{path}", body, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@contextmanager
def influx_server(directory: Path) -> Iterator[InfluxServer]:
    """Run an InfluxDB for as long as the context lasts."""
    server = InfluxServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _configuration(directory: Path, http_port: int, control_port: int) -> str:
    return f"""
reporting-disabled = true
bind-address = "{HOST}:{control_port}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "{HOST}:{http_port}"
  log-enabled = false
"""
