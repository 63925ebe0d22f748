"""The admin's pages of one subject each: list, make, change, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from functions.console.admin.shapes import shown
from functions.console.admin.subjects import SUBJECTS, Subject
from functions.console.forms import CSRF, form_of, read, word_of
from functions.console.pages import Pages
from functions.console.parts import part_of
from functions.console.signed_in import ADMINS_PAGE
from shared.auth.guards import AnyRequest, actor_of, resources_of
from shared.db.connections import Connects
from shared.errors import NotFound, RequestRefused, RouteNotFound
from shared.replay.decide import Outcome
from shared.replay.dry_run import DryRuns

_SEE_OTHER = 303
_KEY = "row"
_LAST = 1000


@get("/admin", **ADMINS_PAGE)
async def show_admin(request: AnyRequest) -> Response[str]:
    """Every subject, two clicks from anything in it."""
    return resources_of(request).get(Pages).page(request, "admin.html", subjects=SUBJECTS.values())


@get("/admin/{subject:str}", **ADMINS_PAGE)
async def show_rows(request: AnyRequest, subject: FromPath[str]) -> Response[str]:
    """Every row, and the form for another; `row` opens one to change it."""
    query = request.query_params
    find = word_of(query, "find") or ""
    return await _page(request, _subject(subject), query.get(_KEY), find=find)


@post("/admin/{subject:str}", **ADMINS_PAGE)
async def make_row(request: AnyRequest, subject: FromPath[str]) -> Response[Any]:
    one, fields = _subject(subject), await _fields(request)
    try:
        asked = read(one.new, one.shape({**fields}))
        await _service(request, one).create(asked, actor_of(request))
    except RequestRefused as error:
        return await _page(request, one, None, fields, error)
    return _back(one)


@post("/admin/{subject:str}/change", **ADMINS_PAGE)
async def change_row(request: AnyRequest, subject: FromPath[str]) -> Response[Any]:
    """Change what differs from the row as it is."""
    one, fields = _subject(subject), await _fields(request)
    key = fields.pop(_KEY, "")
    try:
        found = await _row(request, one, key)
        asked = read(one.change, one.shape(_changes(one, found, fields)))
        await _service(request, one).change(getattr(found, one.key), asked, actor_of(request))
    except RequestRefused as error:
        return await _page(request, one, key, fields, error)
    return _back(one)


@post("/admin/{subject:str}/try", **ADMINS_PAGE)
async def try_row(request: AnyRequest, subject: FromPath[str]) -> Response[Any]:
    """What saving the form would have done to the last requests; nothing is saved."""
    one, fields = _subject(subject), await _fields(request)
    key = fields.get(_KEY)
    sent = {name: text for name, text in fields.items() if name != _KEY}
    try:
        save = await _saving(request, one, key, sent)
        runs = resources_of(request).get(DryRuns)
        tried = await (runs.of_limit if one.name == "limits" else runs.of_catalog)(save, _LAST)
    except RequestRefused as error:
        return await _page(request, one, key, sent, error)
    return await _page(request, one, key, sent, tried=tried)


@post("/admin/{subject:str}/remove", **ADMINS_PAGE)
async def remove_row(request: AnyRequest, subject: FromPath[str]) -> Response[Any]:
    one, fields = _subject(subject), await _fields(request)
    try:
        found = await _row(request, one, fields.get(_KEY, ""))
        await _service(request, one).delete(getattr(found, one.key), actor_of(request))
    except RequestRefused as error:
        return await _page(request, one, None, None, error)
    return _back(one)


async def _saving(
    request: AnyRequest, one: Subject, key: str | None, fields: dict[str, str]
) -> Callable[[Connects], Awaitable[Any]]:
    """What makes of the form a new row, or changes the one of `key`; the id of the row."""
    actor = actor_of(request)
    if not one.is_tried:
        raise RouteNotFound("That is not tried on requests; save it.")
    if key is None:
        new = read(one.new, one.shape({**fields}))
        found = None
    else:
        found = await _row(request, one, key)
        new = read(one.change, one.shape(_changes(one, found, fields)))

    async def save(database: Connects) -> Any:
        service = one.service(database)
        if found is None:
            made = await service.create(new, actor)
        else:
            made = await service.change(getattr(found, one.key), new, actor)
        return getattr(made, one.key)

    return save


async def _page(
    request: AnyRequest,
    one: Subject,
    key: str | None,
    sent: dict[str, str] | None = None,
    error: RequestRefused | None = None,
    find: str = "",
    tried: Outcome | None = None,
) -> Response[str]:
    """`sent` is what a form that was refused held, so that nothing is typed twice."""
    rows = await _service(request, one).list()
    held = next((row for row in rows if key and str(getattr(row, one.key)) == key), None)
    values = {} if held is None else {name: shown(v) for name, v in one.filled(held).items()}
    return resources_of(request).get(Pages).page(
        request,
        "subject.html",
        status=200 if error is None else error.status,
        subject=one,
        part=part_of(_shown(one, rows, find), request.query_params),
        find=find,
        tried=tried,
        held=key if held is not None else None,
        fields=one.fields_of(is_new=held is None),
        values={**values, **(sent or {})},
        complaint=None if error is None else error.message,
        param=None if error is None else error.param,
    )  # fmt: skip


def _shown(one: Subject, rows: Sequence[Any], find: str) -> list[tuple[str, list[object]]]:
    """Key and cells of each row that has `find` in one of them."""
    every = [
        (str(getattr(row, one.key)), [read_cell(row) for read_cell in one.columns.values()])
        for row in rows
    ]
    word = find.lower()
    return [
        (key, cells) for key, cells in every if any(word in str(cell).lower() for cell in cells)
    ]


def _changes(one: Subject, row: msgspec.Struct, fields: dict[str, str]) -> dict[str, Any]:
    """Only what differs from `row`; an emptied field that may be empty is null."""
    held = one.filled(row)
    changes: dict[str, Any] = {}
    for field in one.fields:
        if field.is_fixed or fields.get(field.name, "") == shown(held.get(field.name)):
            continue
        if field.name in fields:
            changes[field.name] = fields[field.name]
        elif field.may_be_empty:
            changes[field.name] = None
    return changes


async def _row(request: AnyRequest, one: Subject, key: str) -> Any:
    for row in await _service(request, one).list():
        if str(getattr(row, one.key)) == key:
            return row
    raise NotFound("That row is gone; somebody else has removed it.", param=_KEY)


async def _fields(request: AnyRequest) -> dict[str, str]:
    fields = await form_of(request)
    fields.pop(CSRF, None)
    return fields


def _service(request: AnyRequest, one: Subject) -> Any:
    return resources_of(request).get(one.service)


def _subject(name: str) -> Subject:
    if name not in SUBJECTS:
        raise RouteNotFound("There is no such page; the admin's first page lists them.")
    return SUBJECTS[name]


def _back(one: Subject) -> Redirect:
    return Redirect(f"/admin/{quote(one.name)}", status_code=_SEE_OTHER)
