"""Whose address a request has, where proxies of ours stand before us. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_MAX_HOPS = 32


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks of a list with commas; an address is a network of one. Raises ValueError."""
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


def client_of(peer: str, forwarded: Iterable[bytes], trusted: Sequence[Network]) -> str:
    """Who sent the request: read from the right, as far as whoever wrote it down is trusted.

    `forwarded` are the values of X-Forwarded-For in their order. What a client wrote there itself
    stands further left than the first address that is not a proxy of ours.
    """
    client = _address(peer)
    if client is None:
        return peer
    hops = b",".join(forwarded).split(b",")
    for hop in hops[: -_MAX_HOPS - 1 : -1]:
        before = _address(hop.decode("latin-1")) if _is_trusted(client, trusted) else None
        if before is None:
            break
        client = before
    return str(client)


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """The address of `1.2.3.4`, `1.2.3.4:567`, `::1` or `[::1]:567`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
