"""The routes that every app has: /, /docs, /healthz, /readyz and /metrics."""

from __future__ import annotations

from litestar import MediaType, Response, get

from shared.auth.guards import AnyRequest, open_to_all, require_admin, resources_of
from shared.metrics import render_metrics
from shared.openapi.page import POLICY, page
from shared.settings import MetricsSettings

INDEX = {
    "name": "switchyard",
    "docs": "/docs",
    "openapi": "/openapi/openapi.json",
    "health": "/readyz",
}


@get("/", include_in_schema=False, guards=[open_to_all], sync_to_thread=False)
def index() -> dict[str, str]:
    """What a client that only wants to know whether we are there asks with HEAD first."""
    return INDEX


@get("/docs", include_in_schema=False, guards=[open_to_all], sync_to_thread=False)
def docs(request: AnyRequest) -> Response[str]:
    """The API as a page for people."""
    return Response(
        page(request.app.openapi_schema.to_schema()),
        media_type=MediaType.HTML,
        headers={"content-security-policy": POLICY, "cache-control": "no-cache"},
    )


@get("/healthz", include_in_schema=False, guards=[open_to_all], sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False, guards=[open_to_all])
async def readyz(request: AnyRequest) -> Response[dict[str, object]]:
    """200 if the app can serve (naming anything degraded), 503 if it cannot."""
    resources = resources_of(request)
    checks: dict[str, str] = {}
    cannot_serve = degraded = False
    if resources.draining:
        checks["draining"] = "the process is shutting down"
        cannot_serve = True
    for check in resources.checks:
        complaint = await check.run()
        checks[check.name] = complaint or "ok"
        if complaint is not None:
            cannot_serve |= check.critical
            degraded = True
    status = "unavailable" if cannot_serve else "degraded" if degraded else "ready"
    return Response({"status": status, "checks": checks}, status_code=503 if cannot_serve else 200)


@get("/metrics", include_in_schema=False, guards=[require_admin], sync_to_thread=True)
def metrics(request: AnyRequest) -> Response[bytes]:
    """Metrics in Prometheus text format; in multiprocess mode, of every process on this machine."""
    folder = resources_of(request).settings[MetricsSettings].multiproc_dir
    body, content_type = render_metrics(folder)
    return Response(body, media_type=content_type)


PROBES = (index, docs, healthz, readyz, metrics)
"""A function that has a `/` of its own takes the place of `index`."""
