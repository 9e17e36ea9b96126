"""A stand-in for what InfluxDB 2 and Grafana say to their administrator; there is no InfluxDB 2 to test with here.

Written after the published API (https://docs.influxdata.com/influxdb/v2/api/, Grafana's HTTP API), for the requests
that `crampwatch init-stack --rotate --databases` makes and no others; it is no proof of how the real ones behave.
"""

import base64
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Databases", "running_databases"]

ORG = {"id": "00000000000000aa", "name": "crampwatch"}
BUCKET = {"id": "00000000000000bb", "name": "crampwatch", "orgID": ORG["id"], "retentionRules": []}
USER = {"id": "00000000000000cc", "name": "admin"}
EVERYTHING = [
    {"action": action, "resource": {"type": kind}}
    for kind in ("authorizations", "buckets", "dashboards", "dbrp", "orgs", "users")
    for action in ("read", "write")
]
_REFUSED = {"code": "unauthorized", "message": "unauthorized access"}


@dataclass
class Databases:
    """Both behind one address.

    Attributes:
        url: Their address.
        tokens: InfluxDB's authorizations by id.
        password: Of InfluxDB's administrator.
        grafana_password: Of Grafana's.
        mapped: Databases InfluxQL finds.
        refuses: Words at the end of a path that is answered by 500.
    """

    url: str = ""
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    password: str = ""
    grafana_password: str = ""
    mapped: list[dict[str, Any]] = field(default_factory=list)
    refuses: str = "nothing"
    made: int = 0

    def add(self, wanted: dict[str, Any], token: str) -> dict[str, Any]:
        self.made += 1
        one = {**wanted, "id": f"{self.made:016x}", "token": token, "status": "active", "orgID": ORG["id"]}
        self.tokens[one["id"]] = one
        return one

    def rights(self, token: str) -> list[tuple[str, str, str | None]]:
        """Return what a token may do: action, type and id of the resource."""
        (one,) = [one for one in self.tokens.values() if one["token"] == token]
        return [(p["action"], p["resource"]["type"], p["resource"].get("id")) for p in one["permissions"]]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, login: str) -> tuple[int, Any]:
        if path.endswith(self.refuses):
            return 500, {"code": "internal error", "message": "told to"}
        if path == "/api/user/password":
            return self._grafana(body, login)
        may = [one for one in self.tokens.values() if login == f"Token {one['token']}"]
        if not may or len(may[0]["permissions"]) < len(EVERYTHING):
            return 401, _REFUSED
        return self._influx(method, path.removeprefix("/api/v2/").split("/"), query, body)

    def _grafana(self, body: Any, login: str) -> tuple[int, Any]:
        basic = base64.b64encode(f"admin:{self.grafana_password}".encode()).decode()
        if login != f"Basic {basic}" or body["oldPassword"] != self.grafana_password:
            return 401, {"message": "Invalid username or password"}
        self.grafana_password = body["newPassword"]
        return 200, {"message": "User password changed"}

    def _influx(  # noqa: PLR0911 - a table of what is answered
        self, method: str, path: list[str], query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        match method, *path:
            case "GET", "buckets":
                return 200, {"buckets": [BUCKET] if query.get("name") == BUCKET["name"] else []}
            case "GET", "authorizations":
                return 200, {"authorizations": list(self.tokens.values())}
            case "POST", "authorizations":
                return 201, self.add(body, f"made-{self.made}-{len(body['permissions'])}")
            case "DELETE", "authorizations", key:
                return (204, None) if self.tokens.pop(key, None) else (404, {"code": "not found", "message": ""})
            case "GET", "users":
                return 200, {"users": [USER]}
            case "POST", "users", key, "password" if key == USER["id"]:
                self.password = body["password"]
                return 204, None
            case "GET", "dbrps":
                return 200, {"content": [one for one in self.mapped if one["database"] == query.get("db")]}
            case "POST", "dbrps":
                self.mapped.append({**body, "id": "00000000000000dd"})
                return 201, self.mapped[-1]
        return 404, {"code": "not found", "message": "/".join(path)}


@contextmanager
def running_databases(databases: Databases) -> Iterator[Databases]:
    """Serve for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            query = dict(urllib.parse.parse_qsl(parts.query))
            login = self.headers["Authorization"] or ""
            status, said = databases.answer(self.command, parts.path, query, json.loads(body) if body else None, login)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class names them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    databases.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield databases
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
