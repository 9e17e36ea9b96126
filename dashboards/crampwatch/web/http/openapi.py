"""The HTTP API as one table, from which both the routes and their description in OpenAPI are made."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from crampwatch.protocol.errors import FailureCode
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = [
    "Operation",
    "Problem",
    "ProblemCode",
    "RefusedError",
    "answer",
    "build_routes",
    "describe",
    "description_operation",
    "read_body",
    "read_query",
]

_LONGEST_BODY_OCTETS: Final = 16_384
Handler = Callable[[Request], Awaitable[Response]]


ProblemCode = Literal[
    "unfit",
    "not_there",
    "not_now",
    "too_much",
    "away",
    "no_night",
    "no_episode",
    "no_sensor",
    "nothing_recorded",
    "not_kept",
    "too_many_names",
    "unexpected",
    FailureCode,
]
_CODES: Final[dict[int, ProblemCode]] = {400: "unfit", 404: "not_there", 409: "not_now", 413: "too_much", 503: "away"}
"""What a status says where nothing more exact is known."""


class Problem(Struct, frozen=True):
    """Why a request was not done.

    Attributes:
        error: For a person, in English.
        code: For a page that says it in another language.
    """

    error: str
    code: ProblemCode


class RefusedError(Exception):
    """A request is not done; carries the answer."""

    def __init__(self, status: int, error: str, code: ProblemCode | None = None) -> None:
        super().__init__(error)
        self.response = answer(Problem(error, code or _CODES[status]), status=status)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does.

    Attributes:
        path: With ``{parameters}``, which match no slash.
        summary: For readers of the description.
        patterns: What path parameters look like.
        query: Struct of the query's parameters; None: there are none.
        body: Struct of the request's body; None: there is none.
        result: What the answer holds; None: nothing.
        status: Of success.
        refusals: Other status codes it answers with.
        media: Of the answer.
        takes: Media type of a body that is no struct; empty: there is none.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    patterns: tuple[tuple[str, str], ...] = ()
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    result: Any = None
    status: int = 200
    refusals: tuple[int, ...] = (400, 404)
    media: str = "application/json"
    takes: str = ""


def build_routes(operations: Sequence[Operation]) -> list[Route]:
    """Return what is served."""
    return [Route(one.path, _refusing(one.handler), methods=[one.method]) for one in operations]


def describe(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    structs = [Problem, *(part for one in operations for part in (one.query, one.body, one.result) if part is not None)]
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crampwatch",
            "version": version,
            "description": "What the built-in page asks its server. Times ending in `_ns` are UTC nanoseconds. "
            "Not a medical device.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def description_operation(operations: Sequence[Operation], *, version: str) -> Operation:
    """Return the operation that describes the others."""

    async def openapi(_request: Request) -> Response:
        """What can be asked."""
        return answer(described)

    described = describe(operations, version=version)
    return Operation("GET", "/api/v1/openapi.json", openapi, "This description")


def answer(value: object, *, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def read_query(request: Request, kind: type[Struct]) -> Any:
    """Return a request's query parameters.

    Raises:
        RefusedError: They do not fit.
    """
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise RefusedError(400, f"The query cannot be read: {error}.") from error


async def read_body(request: Request, kind: type[Struct]) -> Any:
    """Return a request's body.

    Raises:
        RefusedError: It is too long, or does not fit.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY_OCTETS:
            raise RefusedError(413, f"At most {_LONGEST_BODY_OCTETS} octets are read.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"The request cannot be read: {error}.") from error


def _refusing(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as refusal:
            return refusal.response

    return handle


def _described(one: Operation) -> dict[str, Any]:
    content = {} if one.result is None else {"content": {one.media: {"schema": _schema(one)}}}
    found: dict[str, Any] = {
        "summary": one.summary,
        "operationId": f"{one.method.lower()}_{re.sub(r'[^a-z]+', '_', one.path.partition('/v1/')[2]).strip('_')}",
        "parameters": [*_path_parameters(one), *_query_parameters(one)],
        "responses": {str(one.status): {"description": "Done.", **content}, **_refusals(one)},
    }
    if one.body is not None:
        body = {"$ref": f"#/components/schemas/{one.body.__name__}"}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if one.takes:
        octets = {"type": "string", "format": "binary"}
        found["requestBody"] = {"required": True, "content": {one.takes: {"schema": octets}}}
    return found


def _schema(one: Operation) -> Any:
    if one.media != "application/json":
        return {"type": "string", "format": "binary"}
    (schema,), _ = msgspec.json.schema_components([one.result], ref_template="#/components/schemas/{name}")
    return schema


def _refusals(one: Operation) -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    codes = {*one.refusals, *((413,) if one.body is not None else ())}
    return {str(code): {"description": "Refused; the answer says why.", "content": problem} for code in sorted(codes)}


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    patterns = dict(one.patterns)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{patterns.get(name, '[^/]+')}$"},
        }
        for name in re.findall(r"{(\w+)}", one.path)
    ]


def _query_parameters(one: Operation) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    _, components = msgspec.json.schema_components([one.query])
    schema = components[one.query.__name__]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema["properties"].items()
    ]
