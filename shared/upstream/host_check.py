"""Whether a base URL may be given to a provider: looked at when it is set, and again at each use.

RELIABILITY.md section 1, rows 1 to 5. What is allowed here can still turn private later; the
connection's own check (address.py, pool.py) then refuses it.
"""

from __future__ import annotations

import asyncio
import socket

from shared.upstream.address import is_public
from shared.upstream.origin import Origin, parse_url

_RESOLVE_S = 3.0


async def check_base_url(url: str, *, is_local: bool) -> Origin:
    """The origin of a base URL that a provider may have.

    Raises ValueError, which says what is wrong and does not repeat the URL: one that cannot be
    read in a single way, has a query, or, unless `is_local`, goes without TLS or to an address
    that is not public. A name that does not resolve here and now is let through.
    """
    origin, target = parse_url(url)
    if "?" in target:
        raise ValueError("the URL must not have a query")
    if is_local:
        return origin
    if not all(is_public(address) for address in await _addresses(origin)):
        raise ValueError(
            "the URL's host is, or resolves to, an address that is not public;"
            " set is_local if it is a server of your own"
        )
    if origin.scheme != "https":
        raise ValueError("the URL must start with https:// unless is_local is set")
    return origin


async def _addresses(origin: Origin) -> list[str]:
    """By the system's own reading, which takes 0x7f000001, 2130706433 and 127.1 for 127.0.0.1."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_S):
            found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return []
    return [str(entry[4][0]) for entry in found]
