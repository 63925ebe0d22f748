"""Asks a provider's cost API, page by page."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

import msgspec

from shared.cli.failures import CommandFailed
from shared.wire.provider import BillApi, Billed
from shared.wire.providers import KNOWN

_TIMEOUT_S = 30.0
_MOST_PAGES = 1000


def bill_api_of(provider: str) -> tuple[BillApi, str]:
    """The cost API of a provider, and the URL of its host. Raises CommandFailed."""
    known = KNOWN.get(provider)
    if known is None or known.bill is None or known.seed is None:
        names = ", ".join(slug for slug, one in KNOWN.items() if one.bill is not None)
        raise CommandFailed(f"{provider} has no cost API that is known; these do: {names}")
    host = urlsplit(known.seed.base_url)
    return known.bill, f"{host.scheme}://{host.netloc}"


def billed_lines(api: BillApi, url: str, key: str, start: date, end: date) -> Iterator[Billed]:
    """Of the days from `start` on, before `end`. Raises CommandFailed, which never has the key."""
    page: str | None = None
    for _ in range(_MOST_PAGES):
        body = _get(url, api.path(start, end, page), api, key)
        try:
            lines, page = api.read(body)
        except (msgspec.DecodeError, ValueError) as error:
            raise CommandFailed(f"the bill from {url} cannot be read: {error}") from error
        yield from lines
        if page is None:
            return
    raise CommandFailed(f"{url} has more than {_MOST_PAGES} pages of costs; ask for fewer days")


def _get(url: str, path: str, api: BillApi, key: str) -> bytes:
    host = urlsplit(url)
    connect = http.client.HTTPConnection if host.scheme == "http" else http.client.HTTPSConnection
    connection = connect(host.hostname or "", host.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={**api.headers(key), "accept": "application/json"})
        response = connection.getresponse()
        status, body = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise CommandFailed(f"no response from {url}: {type(error).__name__}") from error
    finally:
        connection.close()
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        raise CommandFailed(f"{url} refuses the key: it takes the {api.key_name} of the account")
    if status != http.client.OK:
        raise CommandFailed(f"{url} answered {status}")
    return body
