"""Which addresses may be called: those of the public Internet, unless the operator says otherwise.

Applied to what DNS answered when a connection is made, and the connection goes to that very
address: a name that resolves to something else a moment later cannot slip through (RELIABILITY.md
section 1, rows 1 to 5; CVE-2026-45401 and its kin).
"""

from __future__ import annotations

import ipaddress

# RFC 6761, 6762, 8375 and 9476, ICANN's .internal, and what networks call themselves.
_PRIVATE_ENDS = frozenset(
    [
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "corp",
        "home",
        "arpa",
        "private",
        "alt",
        "test",
        "invalid",
        "svc",
        "cluster",
        "localdomain",
    ]
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds hand out credentials to whoever asks from inside: AWS, Google and Azure (link-local
# and its IPv6 stand-ins), Alibaba, Oracle, and Azure's wire server, which is at a public address.
_METADATA = tuple(
    map(
        ipaddress.ip_network,
        (
            *("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32"),
            *("100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"),
        ),
    )
)
_NAT64 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))
# `is_global` of Python 3.11 takes these for public: RFC 6890's protocol assignments and RFC 9637's
# documentation.
_NOT_PUBLIC = (
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("3fff::/20"),
)
# All that IANA has given out as global unicast. Outside it `is_global` also says yes to site-local
# addresses (fec0::/10) and to NAT64's (64:ff9b::/96), behind which any IPv4 address may stand.
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(text: str) -> bool:
    """Whether the IP address is one of the public Internet. Raises ValueError for other text."""
    if is_metadata(text):
        return False
    address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    if any(address.version == net.version and address in net for net in _NOT_PUBLIC):
        return False
    if address.version == 6 and address not in _IPV6_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_metadata(text: str) -> bool:
    """Whether a cloud keeps credentials there: never a provider, not even a local one.

    Raises ValueError for text that is no IP address.
    """
    address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    if isinstance(address, ipaddress.IPv6Address) and any(address in net for net in _NAT64):
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return any(address.version == net.version and address in net for net in _METADATA)


def is_public_name(host: str) -> bool:
    """Whether a name that does not resolve here may be one of the public Internet by its looks."""
    labels = host.split(".")
    is_address = ":" in host or labels[-1].isdigit()
    return len(labels) > 1 and not is_address and labels[-1] not in _PRIVATE_ENDS


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
