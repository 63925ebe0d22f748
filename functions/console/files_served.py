"""Style, script and icon: the same for everybody, kept by browsers until they change."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from functions.console.pages import FILES
from shared.auth.guards import open_to_all
from shared.errors import RouteNotFound

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# The page names them with a digest of what is in them.
_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
}


@get("/console/{name:str}", include_in_schema=False, guards=[open_to_all], sync_to_thread=False)
def serve_file(name: FromPath[str]) -> Response[bytes]:
    if name not in FILES:
        raise RouteNotFound("There is no such file.")
    kind = _TYPES[name.rpartition(".")[2]]
    return Response(FILES[name], media_type=kind, headers=_HEADERS)


@get("/favicon.ico", include_in_schema=False, guards=[open_to_all], sync_to_thread=False)
def serve_icon() -> Response[bytes]:
    """Browsers ask for it by this name where a page names none, as for JSON."""
    return Response(FILES["icon.svg"], media_type="image/svg+xml", headers=_HEADERS)
