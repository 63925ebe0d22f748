"""Errors as pages, for a browser; everybody else gets the API's JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.response import Redirect

from functions.console.browser import wants_html
from functions.console.pages import Pages
from shared.answer_errors import answer_error, as_switchyard_error, log_failure
from shared.auth.guards import AnyRequest, resources_of
from shared.errors import NotAuthenticated
from shared.ledger.request_id import current_request_id
from shared.wire.error_body import error_headers


def answer_page(request: AnyRequest, error: Exception) -> Response[Any]:
    """A page with what happened and what to do; who is not signed in is sent to the sign-in."""
    if not wants_html(request):
        return answer_error(request, error)
    answer, request_id = as_switchyard_error(error), current_request_id()
    if isinstance(answer, NotAuthenticated) and request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        there = request.scope["path"] + (f"?{query}" if query else "")
        return Redirect(f"/sign-in?{urlencode({'next': there})}", status_code=303)
    log_failure(error, answer, request_id)
    page = resources_of(request).get(Pages).page(
        request,
        "error.html",
        status=answer.status,
        message=answer.message,
        code=answer.code,
        request_id=request_id,
    )  # fmt: skip
    for name, value in error_headers(answer):
        page.headers[name] = value
    return page


ERRORS: Any = {Exception: answer_page}
