"""A provider's own sentence, fit to be shown, logged and kept: cleaned of what it must not tell.

A sentence may repeat a key, name a server or hold anything else (OWASP API10). So what looks like a
key, a token, an address, a host, an e-mail or a path goes, by its shape, and rather too much than
too little: a lost word costs a reader less than a leaked key costs its owner.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MAX_LENGTH: Final = 500
"""Characters of a cleaned sentence."""

REMOVED: Final = "[removed]"

_READ: Final = 4 * MAX_LENGTH
_SHORTEST_SECRET: Final = 4

_BLANKS: Final = re.compile(r"\s+")
_RUN: Final = re.compile(r"[A-Za-z0-9_+/=.~:@%&?#$*•…\\-]+")
_SAID_TO_BE_SECRET: Final = re.compile(
    r"(?i)\b((?:bearer|basic)\s+|(?:api[ _-]?key|token|secret|password|passwd|credentials?"
    r"|authorization)[\"'`]?(?:\s+provided)?\s*[:=]\s*(?:bearer\s+|basic\s+)?)[\"'`(]*[^\s\"'`),]+"
)
_KEY: Final = re.compile(
    r"(?i)(?<![a-z0-9])(?:(?:sk|pk|rk|gsk|fw|tgp|xai|r8|hf|sy|gh[opsu]|github_pat|glpat|xox[abeprs]"
    r"|whsec)[-_.].{4}"
    r"|(?:AIza|AQ\.|AKIA|ASIA|eyJ).{4}"
    r"|(?:org|proj|project|user|acct|account|req|request|sess|key|tok|token)[-_](?=.*\d).{6})"
)
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
_PADDED: Final = re.compile(r"[\w+/-]{12,}={1,2}")
_MASKED: Final = re.compile(r"[*•…]{2}|\w[*•…]|[*•…]\w|\w\.{3}\w")
_IPV4: Final = re.compile(r"(?<!\d)\d{1,3}(?:[.-]\d{1,3}){3}(?!\d)")
_IPV6: Final = re.compile(r"(?i)[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.%/]*")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_WITH_PORT: Final = re.compile(r"[A-Za-z][\w.-]*:\d{2,5}")
_LABEL: Final = re.compile(r"[\w-]+")
_LAST_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]+")
_POINTER: Final = re.compile(r"#(?:/[A-Za-z$_][A-Za-z_]{0,39}|/\d{1,3})+")
_PARTS: Final = re.compile(r"[^A-Za-z0-9]+")
_SIGNS: Final = re.compile(r"[=&?#$%]+")
_TURNS: Final = re.compile(r"[a-z][A-Z]")

_FIELDS: Final = frozenset(
    [
        "audio",
        "body",
        "content",
        "file",
        "function",
        "functions",
        "input",
        "input_audio",
        "input_schema",
        "items",
        "json_schema",
        "logprobs",
        "message",
        "messages",
        "metadata",
        "model",
        "output",
        "parameters",
        "prediction",
        "properties",
        "reasoning",
        "response_format",
        "schema",
        "stream_options",
        "system",
        "text",
        "thinking",
        "tool",
        "tool_calls",
        "tool_choice",
        "tools",
        "web_search_options",
    ]
)
"""With which the place of a field begins, which is written as a host is."""

_HOST_ENDS: Final = frozenset(
    [
        "ai",
        "app",
        "arpa",
        "biz",
        "cloud",
        "cluster",
        "co",
        "com",
        "corp",
        "de",
        "dev",
        "edu",
        "eu",
        "example",
        "gov",
        "home",
        "info",
        "int",
        "internal",
        "intranet",
        "invalid",
        "io",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "me",
        "mil",
        "net",
        "org",
        "private",
        "sh",
        "site",
        "svc",
        "test",
        "tech",
        "uk",
        "us",
        "xyz",
    ]
)


def clean_text(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most MAX_LENGTH printable characters, without what must not be told.

    `secrets` are known ones, such as the key that was sent, which are found in any shape.
    """
    for secret in secrets:
        text = _without(text, secret)
    is_cut, text = len(text) > _READ, text[:_READ]
    text = _BLANKS.sub(" ", "".join(one if one.isprintable() else " " for one in text)).strip()
    if is_cut:
        # Half a key at the cut would not look like one.
        text = text.rpartition(" ")[0] or REMOVED
    text = _SAID_TO_BE_SECRET.sub(rf"\g<1>{REMOVED}", text)
    text = _RUN.sub(_judged, text)
    if len(text) > MAX_LENGTH:
        text = text[: MAX_LENGTH - 1].rpartition(" ")[0] + "…"
    return text


def is_clean(text: str) -> bool:
    """Whether a short word, as it stands, tells nothing that it must not."""
    return clean_text(text) == text


def _without(text: str, secret: str) -> str:
    if len(secret) < _SHORTEST_SECRET:
        return text
    coded = base64.b64encode(secret.encode(errors="replace")).decode().rstrip("=")
    for form in (secret, quote(secret, safe="", errors="replace"), coded):
        text = text.replace(form, REMOVED)
    return text


def _judged(found: re.Match[str]) -> str:
    run = found[0]
    core = run if "::" in run else run.rstrip(".:?…")
    if not core or _POINTER.fullmatch(core):
        return run
    if _is_secret(run) or any(_is_place(one) or _is_host(one) for one in (core, *_parts_of(core))):
        return REMOVED + run[len(core) :]
    return run


def _parts_of(run: str) -> list[str]:
    """The values of `name=value` and its like."""
    return _SIGNS.split(run) if _SIGNS.search(run) else []


def _is_place(run: str) -> bool:
    """A URL, an e-mail, an address or a path."""
    return (
        "://" in run
        or "@" in run
        or "::" in run
        or "\\" in run
        or run.count("/") > 1
        or run.startswith(("/", "./", "../", "~"))
        or _DRIVE.match(run) is not None
        or _IPV4.search(run) is not None
        or _IPV6.fullmatch(run) is not None
    )


def _is_host(run: str) -> bool:
    if _WITH_PORT.fullmatch(run) or run.lower() == "localhost":
        return True
    labels = run.partition("/")[0].lower().split(".")
    if len(labels) < 2 or not _LAST_LABEL.fullmatch(labels[-1]):
        return False
    if labels[0] in ("", *_FIELDS) and "-" not in run:
        return labels[-1] in _HOST_ENDS
    return all(_LABEL.fullmatch(label) for label in labels)


def _is_secret(run: str) -> bool:
    if any(shape.search(run) for shape in (_KEY, _PADDED, _UUID, _MASKED)):
        return True
    parts = [part for part in _PARTS.split(run) if part]
    mixed = [part for part in parts if not part.isalpha() and not part.isdigit()]
    return any(_is_random(part) for part in parts) or sum(len(part) >= 4 for part in mixed) >= 2


def _is_random(part: str) -> bool:
    """Longer than words and numbers are, or letters and digits, or cases, without order."""
    if part.isdigit():
        return len(part) >= 12
    if part.isalpha():
        return len(part) > 24 or (len(part) >= 12 and len(_TURNS.findall(part)) >= 4)
    return len(part) >= 9
