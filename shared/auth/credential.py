"""The one place that takes a credential out of a request's headers.

OpenAI's clients send `Authorization: Bearer <token>`, Anthropic's `x-api-key: <token>`. A request
with two that differ is refused: which of them counts is not for us to guess.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.errors import RequestRefused

_BEARER = b"bearer "


def credential_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """As an Authorization header has it: `Bearer <token>`; empty where there is none.

    Names are in lower case, as ASGI has them. Raises RequestRefused for two that differ.
    """
    found = b""
    for name, value in headers:
        if name == b"authorization":
            credential = value.strip()
        elif name == b"x-api-key":
            credential = b"Bearer " + value.strip()
        else:
            continue
        if found and _token_of(credential) != _token_of(found):
            raise RequestRefused(
                "The request has two credentials that differ; send one, as"
                " 'Authorization: Bearer <token>' or as 'x-api-key'.",
                code="conflicting_credentials",
            )
        found = found or credential
    return found


def _token_of(credential: bytes) -> bytes:
    return credential[7:].strip() if credential[:7].lower() == _BEARER else credential
