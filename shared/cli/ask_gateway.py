"""Calls a gateway over HTTP: the local `up`, or the one that --url names."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from shared.cli.failures import CommandFailed
from shared.cli.services import running_up

url_option = click.option(
    "--url", metavar="URL", help="Gateway to ask.  [default: the running `up`]"
)

_TRY_OUT_TOKEN = "admin-token"  # noqa: S105  from the guide; valid only under `up`, on loopback
_TIMEOUT_S = 30.0


def gateway_to_ask(url: str | None, token: str | None) -> tuple[str, dict[str, str]]:
    """The gateway's URL, and the headers of who asks. Raises CommandFailed where either lacks."""
    run = running_up()
    running = None if run is None else run.url
    url = url or running
    if url is None:
        raise CommandFailed("no `switchyard up` is running here; name a gateway with --url")
    if token is None and url != running:
        raise CommandFailed("--token is required: the try-out token works only with `up`")
    return url, {"authorization": f"Bearer {token or _TRY_OUT_TOKEN}"}


def get_json(url: str, path: str, headers: dict[str, str]) -> Any:
    """The decoded answer. Raises CommandFailed with the gateway's own error."""
    return _ask(url, "GET", path, None, headers)


def post_json(url: str, path: str, body: object, headers: dict[str, str]) -> Any:
    """Post `body`; the decoded answer. Raises CommandFailed with the gateway's own error."""
    return _ask(url, "POST", path, msgspec.json.encode(body), headers)


def _ask(url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
    """Ignores the environment's proxy settings: the gateway is ours."""
    base = urlsplit(url)
    if base.scheme not in ("http", "https") or not base.hostname:
        raise CommandFailed(f"{url} is not a gateway URL; use http://host:port")
    connect = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
    connection = connect(base.hostname, base.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, base.path.rstrip("/") + path, body, headers)
        response = connection.getresponse()
        content, status = response.read(), response.status
    except (OSError, http.client.HTTPException) as error:
        raise CommandFailed(f"no response from the gateway at {url}; is it running?") from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise CommandFailed(_error_text(status, content))
    return msgspec.json.decode(content)


def _error_text(status: int, content: bytes) -> str:
    try:
        error = msgspec.json.decode(content)["error"]
        return f"{error['message']} ({status} {error['code']})"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the gateway answered with status {status}"
