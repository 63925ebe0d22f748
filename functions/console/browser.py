"""What a browser asks for and is told beside a page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.auth.guards import AnyRequest, Connection
from shared.errors import NotAllowed

HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "vary": "accept, cookie",
}


def content_policy(public_url: str | None) -> str:
    """Nothing inline and nothing from elsewhere; the playground may ask the gateway at its URL."""
    connect = "'self'" if public_url is None else f"'self' {_origin_of(public_url)}"
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src {connect}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def wants_html(request: AnyRequest) -> bool:
    """Browsers name it; curl and the SDKs take whatever comes."""
    return "text/html" in request.headers.get("accept", "")


def own_url(request: AnyRequest, public_url: str | None) -> str:
    """Where this gateway is, as whoever asks sees it."""
    if public_url is not None:
        return public_url.rstrip("/")
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def check_origin(connection: Connection, public_url: str | None) -> None:
    """Raises NotAllowed for a form that no page of ours sent.

    Every browser of today names the origin of a POST; the scheme is left out, as a proxy may end
    TLS before us.
    """
    origin = connection.headers.get("origin", "").partition("://")[2]
    ours = {connection.headers.get("host", "")}
    if public_url is not None:
        ours.add(urlsplit(public_url).netloc)
    if not origin or origin not in ours:
        raise NotAllowed(
            "This form did not come from a page of this console. Open the page again and send it"
            " from there; behind a proxy that changes the host, set PUBLIC_URL.",
            param="origin",
            code="foreign_origin",
        )


def local_path(text: str) -> str:
    """`text` if it is a path of ours, else the home page: nobody is sent elsewhere."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours and text.isascii() and "\\" not in text else "/"


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
