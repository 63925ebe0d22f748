"""Where a request goes: scheme, host and port, taken from a URL by one strict reading."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]*)?\Z")
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
    parts = _split(url)
    if parts.scheme not in _PORTS:
        raise ValueError("the URL must start with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the URL must not hold a user or a password")
    if "#" in url:
        raise ValueError("the URL must not have a fragment")
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        host = _ipv6(parts.netloc)
    elif not _HOST.match(host):
        raise ValueError("the URL has no valid host")
    if parts.netloc.endswith(":"):
        raise ValueError("the URL has a colon without a port")
    port = _port(parts)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.match(target):
        raise ValueError("the URL's path holds a character that a request line cannot carry")
    return Origin(parts.scheme, host, port), target


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Its own message repeats what it could not read.
        raise ValueError("the URL's brackets hold no IPv6 address") from None


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the URL's port is not a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("the URL's port is not a number from 1 to 65535")
    return _PORTS[parts.scheme] if port is None else port


def _ipv6(netloc: str) -> str:
    """The address in its short form. A zone is refused: it means another host on each machine."""
    bracketed = _BRACKETED.match(netloc)
    try:
        return str(ipaddress.IPv6Address(bracketed[1] if bracketed else ""))
    except ValueError:
        raise ValueError("the URL's brackets hold no IPv6 address") from None
