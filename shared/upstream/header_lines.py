"""Header lines as they are sent, from names and values that may come from outside.

A stored key or a configured header with a line break in it would otherwise start a header, or a
request, of its own (RFC 9110, section 5.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# RFC 9110, section 5.6.2 (a token) and 5.5 (a field value: no control character but the tab).
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Each header as a line that ends in CR LF.

    Raises ValueError where a name or a value cannot stand in a line; the message names the header
    only if its name is sound, and never repeats a value.
    """
    lines: list[bytes] = []
    for name, value in headers:
        if not _NAME.match(name):
            raise ValueError("the name of a request header holds a character that is not allowed")
        if not _VALUE.match(value):
            shown = name.decode("ascii")
            raise ValueError(f"the value of the header {shown} holds a line break or a control")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)
