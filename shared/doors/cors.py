"""What a browser is told of a page on another origin: nothing, unless the operator named it. Pure.

The Fetch standard, section "CORS protocol". Tokens travel in a header that a page has to set, never
in a cookie, so credentials are not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]

EXPOSED = (
    "x-switchyard-provider",
    "x-switchyard-model",
    "x-switchyard-power-level",
    "x-switchyard-cost-usd",
    "x-request-id",
    "request-id",
    "retry-after",
    "x-should-retry",
)
"""Headers of an answer that a page may read."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}")
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_REMEMBERED_S = b"7200"
_EXPOSED = ", ".join(EXPOSED).encode()


def origins_of(text: str) -> frozenset[bytes]:
    """The origins of a list with commas, each as a browser writes it. Raises ValueError."""
    origins = [one.strip() for one in text.split(",") if one.strip()]
    for one in origins:
        if not _ORIGIN.fullmatch(one):
            raise ValueError(f"{one[:100]!r} is no origin; write it as https://app.example.com")
    return frozenset(one.encode() for one in origins)


def is_preflight(method: str, found: Mapping[bytes, bytes]) -> bool:
    return method == "OPTIONS" and b"access-control-request-method" in found


def preflight_headers(origin: bytes, found: Mapping[bytes, bytes]) -> Headers:
    """The answer to a preflight from an origin that is allowed: whatever its client sends may come.

    The SDKs send a dozen headers that name their version and platform.
    """
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _REMEMBERED_S),
        (b"vary", b"origin, access-control-request-headers"),
    ]
    asked = found.get(b"access-control-request-headers", b"")
    if _NAMES.fullmatch(asked):
        headers.append((b"access-control-allow-headers", asked))
    if found.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers


def answer_headers(origin: bytes) -> Headers:
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"origin"),
    ]
