"""An app that lets out whatever is in the header x-leak, by the path: what a search must find."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from prometheus_client import CollectorRegistry, Counter, generate_latest

from shared.auth.guards import open_to_all
from shared.function import Function, create_app
from shared.log import get_logger

AnyRequest = Request[Any, Any, Any]

REGISTRY = CollectorRegistry()
LEAKS = Counter("leaks", "By what was leaked.", ["text"], registry=REGISTRY)


@get("/leak/{place:str}", guards=[open_to_all], sync_to_thread=False)
def leak(request: AnyRequest, place: str) -> Response[bytes]:
    text = request.headers["x-leak"]
    if place == "log":
        get_logger().info("leak.logged", text=text)
    elif place == "raise":
        raise RuntimeError(text)
    elif place == "metrics":
        LEAKS.labels(text).inc()
        return Response(generate_latest(REGISTRY))
    return Response(text.encode())


app = create_app(Function(name="leaky", handlers=[leak]))
