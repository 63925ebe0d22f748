"""Which exception becomes which answer, and what is logged of it."""

from __future__ import annotations

import psycopg
import pytest
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
)
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from shared.answer_errors import as_switchyard_error, log_failure
from shared.errors import InvalidField, SwitchyardError

AWAY = "connection to server at 10.0.0.7 failed for user app"


@pytest.mark.parametrize(
    ("error", "status", "code", "logged"),
    [
        (PoolTimeout("no connection"), 503, "database_unavailable", "request.without_database"),
        (psycopg.OperationalError(AWAY), 503, "database_unavailable", "request.without_database"),
        (
            psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"),
            503,
            "database_unavailable",
            "request.without_database",
        ),
        (psycopg.errors.UndefinedTable("llm_models"), 500, "internal_error", "request.crashed"),
        (KeyError("anything"), 500, "internal_error", "request.crashed"),
        (RecursionError(), 400, "json_too_deep", None),
        (NotFoundException(), 404, "not_found", None),
        (MethodNotAllowedException(), 405, "method_not_allowed", None),
        (HTTPException(status_code=413), 413, "body_too_large", None),
        (InternalServerException("client disconnected prematurely"), 400, "body_incomplete", None),
        (psycopg.DataError("a NUL"), 400, "invalid_value", None),
        (psycopg.errors.ProgramLimitExceeded("index row size"), 400, "invalid_value", None),
        (InvalidField("'n' must be 1.", param="n"), 400, "invalid_value", None),
    ],
)
def test_each_exception_has_an_answer_and_only_what_nobody_foresaw_a_traceback(
    error: Exception, status: int, code: str, logged: str | None
) -> None:
    answer = as_switchyard_error(error)
    with capture_logs() as lines:
        log_failure(error, answer, "the-request")
    assert (answer.status, answer.code) == (status, code)
    assert [line["event"] for line in lines] == ([] if logged is None else [logged])
    assert all(line["request_id"] == "the-request" for line in lines)
    assert all(("exc_info" in line) == (logged == "request.crashed") for line in lines)
    assert "10.0.0.7" not in str(answer) + str(lines)


def test_an_error_that_is_an_answer_is_that_answer() -> None:
    error = SwitchyardError("As it is.")
    assert as_switchyard_error(error) is error
