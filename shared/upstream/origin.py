"""Where a request goes: scheme, host and port, taken from a URL by one strict reading."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_TARGET = re.compile(r"[!-~]*\Z")
_REFUSED = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")


class Origin(msgspec.Struct, frozen=True):
    """A scheme (http, https), a lower-case host (IPv6 without brackets) and a port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> bytes:
        """The value of the Host header (RFC 9110, section 7.2): no port where it is the usual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS[self.scheme] == self.port
        return (host if usual else f"{host}:{self.port}").encode()


def parse_url(url: str) -> tuple[Origin, str]:
    """The origin of an absolute http(s) URL, and its path with the query.

    Stricter than RFC 3986, so that no two readers can differ on the host: no userinfo, fragment,
    backslash, blank, control or non-ASCII character, no dot at the host's end. Raises ValueError;
    the message does not repeat the URL, which may hold a secret.
    """
    if _REFUSED.search(url):
        raise ValueError("the URL holds a blank, a backslash or a character beyond ASCII")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("the URL must start with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the URL must not hold a user or a password")
    if "#" in url:
        raise ValueError("the URL must not have a fragment")
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        host = _ipv6(host)
    elif not _HOST.match(host):
        raise ValueError("the URL has no valid host")
    if parts.netloc.endswith(":"):
        raise ValueError("the URL has a colon without a port")
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    if port == 0:
        raise ValueError("the URL has port 0")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.match(target):
        raise ValueError("the URL's path holds a character that a request line cannot carry")
    return Origin(parts.scheme, host, port), target


def _ipv6(host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError as error:
        raise ValueError("the URL's IPv6 address is malformed") from error
