"""Whether a base URL may be given to a provider: looked at when it is set, and again at each use.

RELIABILITY.md section 1, rows 1 to 5. What is allowed here can still turn private later; the
connection's own check (address.py, pool.py) then refuses it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence

from shared.upstream.address import is_metadata, is_public
from shared.upstream.origin import Origin, parse_url

_RESOLVE_S = 3.0


async def check_base_url(
    url: str, *, is_local: bool, own: Sequence[tuple[str, int]] = ()
) -> Origin:
    """The origin of a base URL that a provider may have.

    Raises ValueError, which says what is wrong and does not repeat the URL: one that cannot be
    read in a single way, has a query, or, unless `is_local`, goes without TLS or to an address
    that is not public; and always one that is where clouds keep credentials, or is one of the
    gateway's own services, `own` (host and port of each). A name that does not resolve here and now
    is let through.
    """
    origin, target = parse_url(url)
    if "?" in target:
        raise ValueError("the URL must not have a query")
    addresses = await _addresses(origin.host, origin.port)
    if any(is_metadata(address) for address in addresses):
        raise ValueError(
            "the URL's host is, or resolves to, an address where clouds keep credentials"
        )
    if await _is_one_of(own, origin, addresses):
        raise ValueError("the URL leads to the gateway's own PostgreSQL or Redis")
    if is_local:
        return origin
    if not all(is_public(address) for address in addresses):
        raise ValueError(
            "the URL's host is, or resolves to, an address that is not public;"
            " set is_local if it is a server of your own"
        )
    if origin.scheme != "https":
        raise ValueError("the URL must start with https:// unless is_local is set")
    return origin


async def _is_one_of(
    own: Sequence[tuple[str, int]], origin: Origin, addresses: Sequence[str]
) -> bool:
    for host, port in own:
        if port == origin.port:
            theirs = set(await _addresses(host, port))
            if (
                host == origin.host
                or theirs & set(addresses)
                or (_is_here(theirs) and _is_here(addresses))
            ):
                return True
    return False


def _is_here(addresses: Iterable[str]) -> bool:
    """Whether one of them is this machine, by whichever of its names for itself."""
    found = [ipaddress.ip_address(one.partition("%")[0]) for one in addresses]
    mapped = [getattr(one, "ipv4_mapped", None) or one for one in found]
    return any(one.is_loopback or one.is_unspecified for one in mapped)


async def _addresses(host: str, port: int) -> list[str]:
    """By the system's own reading, which takes 0x7f000001, 2130706433 and 127.1 for 127.0.0.1."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return []
    return [str(entry[4][0]) for entry in found]
