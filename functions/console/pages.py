"""Pages from templates: every value escaped, none with script or style of its own."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

from functions.console import browser, plots, texts
from shared.auth.caller import Role
from shared.auth.guards import AnyRequest
from shared.auth.sessions import Session
from shared.resources import opener
from shared.settings import NetworkSettings, TryOutSettings

_HERE = Path(__file__).parent
FILES: Mapping[str, bytes] = {
    path.name: path.read_bytes() for path in sorted((_HERE / "files").iterdir())
}
"""Style, script and icon, by name."""
VERSION = hashlib.sha256(b"".join(FILES.values())).hexdigest()[:12]

_PLOTS = {one.__name__: one for one in (plots.strip, plots.bars, plots.heat, plots.share)}
_MEDIA = "text/html"


class Pages:
    def __init__(self, settings: NetworkSettings, tryout: TryOutSettings) -> None:
        self.settings = settings
        self._headers = {
            **browser.HEADERS,
            "content-security-policy": browser.content_policy(settings.public_url),
        }
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(texts.FILTERS)
        everywhere: dict[str, Any] = {
            "version": VERSION,
            "plots": _PLOTS,
            "tryout": tryout.tokens,
            "is_status_public": settings.public_status,
        }
        self._templates.globals.update(everywhere)

    def text(self, name: str, **values: Any) -> str:
        """The template `name` alone, for a part of a page."""
        return self._templates.get_template(name).render(**values)

    def page(
        self, request: AnyRequest, name: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        """A whole page, for who is signed in if anybody is."""
        session: Session | None = getattr(request.state, "session", None)
        text = self.text(
            name,
            session=session,
            is_admin=session is not None and session.caller.role is Role.ADMIN,
            path=request.scope["path"],
            **values,
        )
        return Response(text, status_code=status, media_type=_MEDIA, headers=self._headers)

    def part(self, text: str, headers: Mapping[str, str] | None = None) -> Response[str]:
        return Response(text, media_type=_MEDIA, headers={**self._headers, **(headers or {})})


@opener
async def open_pages(settings: NetworkSettings, tryout: TryOutSettings) -> AsyncGenerator[Pages]:
    yield Pages(settings, tryout)
