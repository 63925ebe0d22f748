"""Every exception of every route becomes an answer here, in OpenAI's error shape; below
/v1/messages in Anthropic's.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from litestar import MediaType, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from shared.auth.guards import AnyRequest
from shared.errors import (
    BodyTooLarge,
    InvalidField,
    MalformedBody,
    MethodNotAllowed,
    NotReady,
    RequestRefused,
    RouteNotFound,
    SwitchyardError,
)
from shared.ledger.request_id import current_request_id
from shared.log import get_logger
from shared.wire.error_body import encode_error, error_headers
from shared.wire.messages.door import errors as messages_errors

MAX_BODY_BYTES = 25 * 1024 * 1024
"""Of a conversation."""
MAX_FIELDS_BYTES = 1024 * 1024
"""Of every other body."""

# The latter after a failover, until the connections lead to the new primary.
_AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
# A value that no column or index can hold; the second is an OperationalError by its class.
_DOES_NOT_FIT = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)
_FIELD_NAMED = re.compile(r"\bfield `([^`]{1,100})`")
_MESSAGES = re.compile(r"(?:/api/v1/llm|/v1)/messages(?:/.*)?")
# msgspec repeats the value, which is a key where a client mixed up two fields.
_VALUE_REPEATED = re.compile(r"(?<=^Invalid enum value) .*", re.DOTALL)


def as_switchyard_error(error: Exception) -> SwitchyardError:
    """The answerable error that `error` stands for; anything unforeseen is a plain 500."""
    if isinstance(error, SwitchyardError):
        return error
    if isinstance(error, _DOES_NOT_FIT):
        return InvalidField(
            "A value of the request cannot be stored: it is too long or too large, or has a"
            " character that PostgreSQL does not take."
        )
    if isinstance(error, _AWAY):
        return NotReady(
            "PostgreSQL does not answer, or takes no changes; try again, and see /readyz.",
            code="database_unavailable",
        )
    if isinstance(error, RecursionError):
        return MalformedBody("The body is nested too deeply; flatten it.", code="json_too_deep")
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, NotFoundException):
        return RouteNotFound("There is no such route; /openapi/openapi.json lists them.")
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed("This route does not take that method.")
    if isinstance(error, InternalServerException) and "disconnected" in error.detail:
        return RequestRefused("The connection ended before the body did.", code="body_incomplete")
    if isinstance(error, HTTPException) and error.status_code == 413:
        return BodyTooLarge(
            "The body is too large: a conversation may have 25 MB, any other body 1 MB."
        )
    if isinstance(error, HTTPException) and error.status_code < 500:
        return RequestRefused("The request is malformed.")
    return SwitchyardError("Something went wrong on our side; the request id finds it in the log.")


def log_failure(error: Exception, answer: SwitchyardError, request_id: str) -> None:
    """What nobody foresaw, with its traceback; a database that is down, in a line."""
    if isinstance(error, SwitchyardError) or answer.status < 500:
        return
    if isinstance(error, _AWAY):
        # Not its words, which may name hosts and users.
        get_logger().warning(
            "request.without_database",
            request_id=request_id,
            error=type(error).__name__,
            sqlstate=error.sqlstate,
        )
        return
    get_logger().error("request.crashed", request_id=request_id, exc_info=error)


def _invalid(error: ValidationException) -> InvalidField:
    """Name the first field at fault; Litestar lists them under `extra`."""
    extra: object = error.extra
    first: object = extra[0] if isinstance(extra, list) and extra else None  # pyright: ignore[reportUnknownVariableType]
    if isinstance(first, dict) and "key" in first:
        key, message = str(first["key"]), str(first.get("message", "invalid"))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        # Of an unknown or missing field Litestar tells the object it is not in, and then its name.
        if named := _FIELD_NAMED.search(message):
            key = named[1] if key == "data" else f"{key}.{named[1]}"
        elif key == "data":
            return InvalidField("The body is missing or is not a JSON object.", param="body")
        said = _VALUE_REPEATED.sub("", message).lower()
        return InvalidField(f"'{key}' is invalid: {said}.", param=key)
    return InvalidField("A field of the request is invalid.")


def error_body_at(path: str, error: SwitchyardError, request_id: str) -> bytes:
    """The error as clients of that path read it, whether or not there is such a route."""
    if _MESSAGES.fullmatch(path):
        return messages_errors.encode_error(error, request_id)
    return encode_error(error)


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    answer = as_switchyard_error(error)
    request_id = current_request_id()
    log_failure(error, answer, request_id)
    headers = {
        **dict(error_headers(answer)),
        "x-request-id": request_id,
        "request-id": request_id,
    }
    if isinstance(error, MethodNotAllowedException) and error.headers:
        headers["allow"] = error.headers["allow"]
    return Response(
        error_body_at(request.scope["path"], answer, request_id),
        status_code=answer.status,
        media_type=MediaType.JSON,
        headers=headers,
    )


async def add_request_id(response: Response[Any]) -> Response[Any]:
    """Every answer carries an id: OpenAI's SDK reads x-request-id, Anthropic's request-id."""
    if "x-request-id" not in response.headers:
        request_id = current_request_id()
        response.headers["x-request-id"] = request_id
        response.headers["request-id"] = request_id
    return response


EXCEPTION_HANDLERS: Any = {Exception: answer_error}
