"""The HTTP API as a table of operations, from which the routes and their OpenAPI description are built.

Each part of the page (nights, sessions, backups, settings) has an ``api.py`` with one class: its ``operations()`` is
the table, its other public methods are the handlers named there, and the bodies and answers are the structs of the
``schema.py`` beside it. A handler refuses a request by raising `RefusedError`.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from crampwatch.protocol.errors import FailureCode, UnavailableError
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = [
    "Operation",
    "Problem",
    "ProblemCode",
    "RefusedError",
    "build_routes",
    "conflict_if_unavailable",
    "description_operation",
    "json_response",
    "openapi_document",
    "read_body",
    "read_query",
]

_MAX_BODY_BYTES: Final = 16_384
"""For JSON bodies; the longest that fits a schema, 50 acknowledged episodes, has about 6 kB."""
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
_DEFAULT_CODES: Final[dict[int, ProblemCode]] = {
    400: "unfit",
    404: "not_there",
    409: "not_now",
    413: "too_much",
    503: "away",
}
"""Code for a status if the handler gives none."""


class Problem(Struct, frozen=True):
    """Why a request was refused.

    Attributes:
        error: Reason for a person, in English.
        code: Reason for a program, which shows it in another language.
    """

    error: str
    code: ProblemCode


class RefusedError(Exception):
    """The request is refused. Raised by handlers; carries the response.

    Args:
        status: HTTP status code.
        error: Reason for a person, in English.
        code: Reason for a program; None for the default of the status.
    """

    def __init__(self, status: int, error: str, code: ProblemCode | None = None) -> None:
        super().__init__(error)
        self.response = json_response(Problem(error, code or _DEFAULT_CODES[status]), status=status)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        path: Path with ``{parameters}``, which match no slash.
        summary: One line for readers of the OpenAPI description.
        patterns: Name and regular expression of path parameters.
        query: Struct of the query parameters; None if there are none.
        body: Struct of the JSON body; None if there is none.
        result: Type of the answer's content; None if it is empty.
        status: Status code of success.
        refusals: Status codes of refusals; 413 is added for a JSON body.
        media: Media type of the answer.
        upload_media: Media type of a body that is not JSON; empty if there is none.
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
    upload_media: str = ""


def build_routes(operations: Sequence[Operation]) -> list[Route]:
    """Return the routes to serve."""
    return [
        Route(operation.path, _answer_refusals(operation.handler), methods=[operation.method])
        for operation in operations
    ]


def openapi_document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of some operations."""
    structs = [
        Problem,
        *(
            part
            for operation in operations
            for part in (operation.query, operation.body, operation.result)
            if part is not None
        ),
    ]
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe_operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crampwatch",
            "version": version,
            "description": "The API behind crampwatch's web page. Times ending in `_ns` are UTC nanoseconds. "
            "Not a medical device.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def description_operation(operations: Sequence[Operation], *, version: str) -> Operation:
    """Return the operation that serves the description of the others."""

    async def send_document(_request: Request) -> Response:
        """Serve the description."""
        return json_response(document)

    document = openapi_document(operations, version=version)
    return Operation("GET", "/api/v1/openapi.json", send_document, "This OpenAPI description")


def json_response(value: object, *, status: int = 200) -> Response:
    """Return a response with a value as JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def read_query(request: Request, kind: type[Struct]) -> Any:
    """Return a request's query parameters as a struct of this kind.

    Raises:
        RefusedError: They do not match the struct.
    """
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        raise RefusedError(400, f"The query is not valid: {error}.") from error


async def read_body(request: Request, kind: type[Struct]) -> Any:
    """Return a request's JSON body as a struct of this kind.

    Raises:
        RefusedError: It is too long, or does not match the struct.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise RefusedError(413, f"The request body has more than {_MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"The request body is not valid: {error}.") from error


@contextlib.contextmanager
def conflict_if_unavailable() -> Iterator[None]:
    """Refuse a request with status 409 if the block raises `UnavailableError`."""
    try:
        yield
    except UnavailableError as error:
        raise RefusedError(409, str(error), error.code) from error


def _answer_refusals(handler: Handler) -> Handler:
    async def handle_request(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as refusal:
            return refusal.response

    return handle_request


def _describe_operation(operation: Operation) -> dict[str, Any]:
    content = {} if operation.result is None else {"content": {operation.media: {"schema": _result_schema(operation)}}}
    description: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _operation_id(operation),
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {str(operation.status): {"description": "Success.", **content}, **_refusal_responses(operation)},
    }
    if operation.body is not None:
        body = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        description["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if operation.upload_media:
        binary = {"type": "string", "format": "binary"}
        description["requestBody"] = {"required": True, "content": {operation.upload_media: {"schema": binary}}}
    return description


def _operation_id(operation: Operation) -> str:
    """Return a name such as ``get_nights_night_signal``."""
    words = re.sub(r"[^a-z]+", "_", operation.path.partition("/v1/")[2]).strip("_")
    return f"{operation.method.lower()}_{words}"


def _result_schema(operation: Operation) -> Any:
    if operation.media != "application/json":
        return {"type": "string", "format": "binary"}
    (schema,), _ = msgspec.json.schema_components([operation.result], ref_template="#/components/schemas/{name}")
    return schema


def _refusal_responses(operation: Operation) -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    codes = {*operation.refusals, *((413,) if operation.body is not None else ())}
    return {str(code): {"description": "Refused; the body says why.", "content": problem} for code in sorted(codes)}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    patterns = dict(operation.patterns)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{patterns.get(name, '[^/]+')}$"},
        }
        for name in re.findall(r"{(\w+)}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    _, components = msgspec.json.schema_components([operation.query])
    schema = components[operation.query.__name__]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema["properties"].items()
    ]
