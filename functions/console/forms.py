"""The fields of a form that a page of ours sent."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from shared.auth.guards import AnyRequest
from shared.errors import BodyTooLarge, InvalidField, MalformedBody, NotAllowed
from shared.wire.text import is_unfit

CSRF = "csrf"
CSRF_HEADER = "x-csrf-token"
_MAX_FIELDS = 100
_MAX_BYTES = 65536
"""Of percent-encoded text: 1 MB of it takes a quarter of a second to read, and nobody has to be
signed in to send it."""
_MAX_TEXT = 200
_MOST_DAYS = 3650
_MOST_DIGITS = 9

T = TypeVar("T")


async def form_of(request: AnyRequest) -> dict[str, str]:
    """Fields by name, trimmed; an empty one is left out.

    Raises MalformedBody, BodyTooLarge, and InvalidField for a control character or half a
    surrogate pair.
    """
    body = await request.body()
    if len(body) > _MAX_BYTES:
        raise BodyTooLarge("The form is above 64 KB; send less.")
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedBody("The form cannot be read; open its page again and send it.") from error
    for name, value in pairs:
        if is_unfit(name, keeps_lines=False) or is_unfit(value):
            shown = name[:50] if name.isidentifier() else "a field"
            raise InvalidField(
                f"'{shown}' has a control character in it; send it without.", param=shown
            )
    return {name: value.strip() for name, value in pairs if value.strip()}


async def check_csrf(request: AnyRequest, expected: str) -> None:
    """Raises NotAllowed where the form, or the script's header, lacks the session's token."""
    sent = request.headers.get(CSRF_HEADER) or (await form_of(request)).get(CSRF, "")
    if not hmac.compare_digest(sent.encode(), expected.encode()):
        raise NotAllowed(
            "The page is older than your sign-in; open it again and send the form from there.",
            param=CSRF,
            code="csrf_mismatch",
        )


def end_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`days` of a form as the API's `expires_at`. Raises InvalidField."""
    text, rest = fields.get("days"), {k: v for k, v in fields.items() if k != "days"}
    if text is None:
        return rest
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
    if not 0 < days <= _MOST_DAYS:
        raise InvalidField(f"A token lasts 1 to {_MOST_DAYS} days.", param="days")
    return {**rest, "expires_at": datetime.now(UTC) + timedelta(days=days)}


def word_of(query: Mapping[str, Any], name: str) -> str | None:
    """A text to search for, from a page's address. Raises InvalidField."""
    text = query.get(name) or None
    if text is not None and (len(text) > _MAX_TEXT or is_unfit(text)):
        raise InvalidField(f"'{name}' is too long or cannot be read.", param=name)
    return text


def read(kind: type[T], fields: Mapping[str, Any]) -> T:
    """`fields` as the body of the API's own route, numbers and flags read from text.

    Raises InvalidField, which names the field at fault as the API does.
    """
    try:
        return msgspec.convert(dict(fields), kind, strict=False)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at ")
        name = place.strip("`").removeprefix("$.") or None
        shown = f"'{name}' is invalid: {said.lower()}." if name else f"{said}."
        raise InvalidField(shown, param=name) from error
