"""The status page: each provider now and lately, as a page, as a part that is renewed, as JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from litestar import Response, get
from markupsafe import Markup

from functions.console.answers import StatusAnswer, status_answer
from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import may_read_status
from shared.auth.guards import AnyRequest, resources_of
from shared.health.status_board import Board, StatusBoards


@get("/status", include_in_schema=False, guards=[may_read_status], exception_handlers=ERRORS)
async def show_status(request: AnyRequest) -> Response[str]:
    """The page; its script asks for the board again every few seconds."""
    board = await _board(request)
    pages = resources_of(request).get(Pages)
    text, tag = _rendered(pages, board)
    part = Markup(text)  # noqa: S704  a template's own output, escaped there
    return pages.page(request, "status.html", board=board, part=part, tag=tag)


@get("/status/board", include_in_schema=False, guards=[may_read_status], exception_handlers=ERRORS)
async def show_board(request: AnyRequest) -> Response[Any]:
    """The board alone; 304 where the asker has it."""
    pages = resources_of(request).get(Pages)
    text, tag = _rendered(pages, await _board(request))
    if request.headers.get("if-none-match") == tag:
        return Response(None, status_code=304, headers={"etag": tag})
    return pages.part(text, {"etag": tag})


@get("/status.json", guards=[may_read_status])
async def read_status(request: AnyRequest) -> StatusAnswer:
    """Each provider now, its uptime by hour and day, and the incidents of 30 days."""
    return status_answer(await _board(request))


async def _board(request: AnyRequest) -> Board:
    return await resources_of(request).get(StatusBoards).board()


class _Last(msgspec.Struct):
    board: Board | None = None
    text: str = ""
    tag: str = ""


_last = _Last()


def _rendered(pages: Pages, board: Board) -> tuple[str, str]:
    """The board as HTML and its tag: made once, however many look at it."""
    if _last.board is not board:
        _last.text = pages.text("board.html", board=board)
        _last.tag = f'"{hashlib.sha256(_last.text.encode()).hexdigest()[:20]}"'
        _last.board = board
    return _last.text, _last.tag
