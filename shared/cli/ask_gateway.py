"""Asks a running gateway over HTTP: the one of a running `up`, or the one that is named."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shared.cli.failures import CommandFailed

TRY_OUT_TOKEN = "admin-token"  # noqa: S105  the guide's, valid only under `up` on loopback
_TIMEOUT_S = 30.0


def post_json(url: str, path: str, body: object, headers: dict[str, str]) -> Any:
    """The JSON of an answer of status 200. Raises CommandFailed, which says what the gateway said.

    No proxy that the environment names is used: the gateway is ours.
    """
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise CommandFailed(f"{url} is no URL of a gateway: write http://host:port")
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname, place.port, timeout=_TIMEOUT_S)
    try:
        connection.request(
            "POST", place.path.rstrip("/") + path, msgspec.json.encode(body), headers
        )
        answer = connection.getresponse()
        content, status = answer.read(), answer.status
    except (OSError, http.client.HTTPException) as error:
        raise CommandFailed(f"the gateway at {url} does not answer: is it running?") from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise CommandFailed(_why(status, content))
    return msgspec.json.decode(content)


def _why(status: int, content: bytes) -> str:
    try:
        error = msgspec.json.decode(content)["error"]
        return f"{error['message']} ({status} {error['code']})"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the gateway answered {status}"
