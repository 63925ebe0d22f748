"""The ways in which the same stream may be written: WHATWG HTML, section 9.2, and RFC 8259."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

Events = Sequence[bytes]


def plain(events: Events) -> bytes:
    return b"".join(event + b"\n\n" for event in events)


def _comments(events: Events) -> bytes:
    return b": hello\n\n" + b"".join(b": x\n" + event + b"\n:\n\n: y\n\n" for event in events)


def _other_fields(events: Events) -> bytes:
    return b"retry: 3000\n\n" + b"".join(
        b"id: %d\n%b\nunknown: field\n\n" % (number, event) for number, event in enumerate(events)
    )


def _no_blank_behind_the_colon(events: Events) -> bytes:
    return plain([event.replace(b"data: ", b"data:", 1) for event in events])


def _blank_lines(events: Events) -> bytes:
    return b"\n\n\n" + b"".join(event + b"\n\n\n\n" for event in events)


def _rewritten(write: Callable[[object], str]) -> Callable[[Events], bytes]:
    """Each event's JSON written anew, on as many `data:` lines as it takes."""

    def one(event: bytes) -> bytes:
        head, mark, data = event.partition(b"data: ")
        if not mark or data[:1] != b"{":
            return event
        lines = write(json.loads(data)).encode().split(b"\n")
        return head + b"\n".join(b"data: " + line for line in lines)

    return lambda events: plain([one(event) for event in events])


def _backwards(value: object) -> str:
    fields = value if isinstance(value, dict) else {}
    text = json.dumps(dict(reversed(fields.items())), ensure_ascii=False)
    # Half a surrogate pair can only be written as an escape.
    return text if text.isprintable() else json.dumps(dict(reversed(fields.items())))


def _escaped(value: object) -> str:
    """Every character of every text as an escape, names too."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("choices", "\\u0063hoices").replace("content", "conten\\u0074")


SHAPES: Mapping[str, Callable[[Events], bytes]] = {
    "as recorded": plain,
    "CRLF": lambda events: plain(events).replace(b"\n", b"\r\n"),
    "CR": lambda events: plain(events).replace(b"\n", b"\r"),
    "no last blank line": lambda events: plain(events).removesuffix(b"\n"),
    "no end of the last line": lambda events: plain(events).removesuffix(b"\n\n"),
    "CRLF, no last blank line": lambda events: (
        plain(events).removesuffix(b"\n").replace(b"\n", b"\r\n")
    ),
    "a byte order mark": lambda events: b"\xef\xbb\xbf" + plain(events),
    "comments": _comments,
    "ids, retries and unknown fields": _other_fields,
    "no blank behind the colon": _no_blank_behind_the_colon,
    "more blank lines than needed": _blank_lines,
    "JSON without blanks": _rewritten(lambda value: json.dumps(value, separators=(",", ":"))),
    "JSON with blanks": _rewritten(lambda value: json.dumps(value, separators=(" , ", " : "))),
    "JSON over many lines": _rewritten(lambda value: json.dumps(value, indent=2)),
    "JSON with its names backwards": _rewritten(_backwards),
    "JSON with escapes": _rewritten(_escaped),
}
