"""Signing in with an access token, and out."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from functions.console.browser import local_path
from functions.console.error_pages import ERRORS
from functions.console.forms import form_of
from functions.console.pages import Pages
from functions.console.signed_in import COOKIE, find_session, from_our_page, signed_in
from shared.auth.guards import AnyRequest, open_to_all, resources_of
from shared.auth.sessions import LASTS_S, Sessions, TooManyFailures
from shared.errors import InvalidToken

_SEE_OTHER = 303
_KEPT = "signed-in"


@get("/sign-in", include_in_schema=False, guards=[open_to_all], exception_handlers=ERRORS)
async def show_sign_in(request: AnyRequest) -> Response[Any]:
    """The form; who is signed in already is sent on."""
    there = local_path(request.query_params.get("next", "/"))
    if await find_session(request) is not None:
        return Redirect(there.replace(f"?{_KEPT}=1", ""), status_code=_SEE_OTHER)
    lost = f"{_KEPT}=1" in there
    return _form(request, there, "cookie" if lost else None)


@post("/sign-in", include_in_schema=False, guards=[from_our_page], exception_handlers=ERRORS)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """Open a session, in the place of one that is there. Failures are counted by address."""
    form = await form_of(request)
    there = local_path(form.get("next", "/"))
    address = request.client.host if request.client else "unknown"
    sessions = resources_of(request).get(Sessions)
    try:
        cookie = await sessions.sign_in(form.get("token", ""), address, request.cookies.get(COOKIE))
    except (InvalidToken, TooManyFailures) as error:
        request.state.session = None
        return _form(request, there, error.message, status=error.status)
    # A browser that keeps no Secure cookie is told so, rather than asked again without a word.
    there = f"/?{_KEPT}=1" if there == "/" else there
    answer = Redirect(there, status_code=_SEE_OTHER)
    answer.set_cookie(_cookie(cookie, LASTS_S))
    return answer


@post("/sign-out", include_in_schema=False, guards=[signed_in()], exception_handlers=ERRORS)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End the session, everywhere it is known."""
    await resources_of(request).get(Sessions).sign_out(request.cookies[COOKIE])
    answer = Redirect("/sign-in", status_code=_SEE_OTHER)
    answer.set_cookie(_cookie("", 0))
    return answer


def _form(
    request: AnyRequest, there: str, complaint: str | None, status: int = 200
) -> Response[str]:
    pages = resources_of(request).get(Pages)
    return pages.page(request, "sign_in.html", status=status, next=there, complaint=complaint)


def _cookie(value: str, lasts_s: int) -> Cookie:
    # `__Host-` binds it to this host and path; Lax, as a link from a wiki or an identity provider
    # must find its reader signed in.
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=lasts_s,
        secure=True,
        httponly=True,
        samesite="lax",
    )
