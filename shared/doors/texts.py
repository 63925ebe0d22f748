"""No text that cannot be kept gets to a route: not by its path, its query or its body.

Completions, which a raw handler serves, do the same where they read a request's labels and names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from shared.auth.guards import AnyRequest
from shared.errors import InvalidField, MalformedBody, RouteNotFound
from shared.wire.text import is_unfit

MAX_PATH = 1024
"""Characters. Whoever routes a path remembers it, before any token is looked at."""

RELAYS_BODY = {"relays_body": True}
"""`opt` of a route whose body is a conversation: nothing of that is kept."""

MAX_VALUES = 20_000
"""In a body of fields. Each is looked at: half a million of them, in 1 MB, took a second."""

_MANY_LINES = frozenset({"api_key", "description"})
_MAX_PLACE = 100


async def refuse_unfit_text(request: AnyRequest) -> None:
    """Raises InvalidField, which names what has a control character or half a surrogate pair, and
    MalformedBody for a body that is not UTF-8.

    Line breaks are taken where people write or paste several lines.
    """
    if is_unfit(request.scope["path"], keeps_lines=False):
        raise RouteNotFound("There is no such route; /openapi/openapi.json lists them.")
    query = request.scope["query_string"]
    if is_unfit(unquote_plus(query.decode("latin-1")), keeps_lines=False):
        raise _refused_query(query)
    if "relays_body" in request.route_handler.opt or request.method in ("GET", "HEAD", "DELETE"):
        return
    for place, text in _texts_of(_decoded(await request.body())):
        if is_unfit(text, keeps_lines=place in _MANY_LINES):
            raise _refused(f"'{place}'", place)


def _decoded(body: bytes) -> object:
    """The body; None if it is not JSON, which the route's own decoder then says.

    Raises MalformedBody, also for more values than anything of ours has.
    """
    # One in a string counts too: nothing that is stored has so many.
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise MalformedBody(
            f"The body has more than {MAX_VALUES} values; send fewer.", code="json_too_large"
        )
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not valid UTF-8.", code="invalid_utf8") from error
    except msgspec.DecodeError:
        return None


def _texts_of(value: object) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, names of fields too, with the field of the top that it is in."""
    waiting: list[tuple[str, object]] = [("body", value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            yield place, one
        elif isinstance(one, dict):
            for name, inner in cast(dict[str, object], one).items():
                yield "body", name
                waiting.append((name[:_MAX_PLACE] if place == "body" else place, inner))
        elif isinstance(one, list):
            waiting.extend((place, inner) for inner in cast(list[object], one))


def _refused_query(query: bytes) -> InvalidField:
    """Names the parameter at fault, where its name itself can be shown."""
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if is_unfit(value, keeps_lines=False) and not is_unfit(name, keeps_lines=False):
            return _refused(f"'{name[:_MAX_PLACE]}'", name[:_MAX_PLACE])
    return _refused("The query string", "query")


def _refused(what: str, param: str) -> InvalidField:
    return InvalidField(
        f"{what} has a control character in it (NUL, a line break, an escape); send it without.",
        param=param,
    )
