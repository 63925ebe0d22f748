"""What people read is American English, and says a thing the way a native speaker would.

A word is added here when it has been corrected twice. Names of the contract keep their spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.tree import ROOT, tracked

_STEMS = (
    "author|categor|custom|initial|maxim|minim|normal|optim|organ|priorit|real|recogn|serial|special"
    "|summar|synchron|token|util"
)
SPELLINGS: Mapping[str, str] = {
    r"\w*colour\w*": "color",
    r"\w*(behavi|fav|hon|lab|neighb)our\w*": "-or",
    r"catalogues?": "catalog",
    r"licen[c]es?": "license",
    r"defences?": "defense",
    r"centres?": "center",
    r"grey": "gray",
    r"artefacts?": "artifact",
    r"judgement": "judgment",
    r"(whil|among)st": "while, among",
    r"(learn|spel)t": "-ed",
    r"\w*(label|model|signal|travel)l(ed|ing)\w*": "a single l",
    rf"\w*({_STEMS})is(e[ds]?|ers?|ing|ations?)(_\w*)?": "-ize",
    r"analys(ed|ing)": "-yz-",
    r"time-outs?": "timeout",
}
PHRASES: Mapping[str, str] = {
    r"InTheWay": "Conflict",
    r"CannotBeDone": "Unprocessable",
    r"NoSuchThing": "NotFound",
    r"class (Want|Books)": "a noun of the field: RoutingRequest, UsageWriter",
    r"(is|are|was|be) away": "is down, is unavailable",
    r"(is|are) let be": "is left alone, is ignored",
    r"mend(s|ed|ing)?": "fix",
    r"put right": "fix",
    r"anew": "again",
    r"(cost|costs) else": "costs extra",
    r"(?<!here )is no (JSON|number|list|object|URL|cursor|date|provider|key|token)": "is not a",
    r"(cursor|fault|table) of ours": "our",
    r"by which is": "which is used to",
}
# Actors, log events, audit verbs and a column that have been in a database or a queue.
KEPT = re.compile(
    r"catalogue\.\w+|sync_catalogue|[\"'`]catalogue[\"'`]|catalogue: int|(SELECT|import) catalogue"
)


def odd(text: str) -> list[str]:
    """Each retired word as `line: word (say instead)`."""
    return list(_odd(KEPT.sub("", text)))


def _odd(text: str) -> Iterator[str]:
    for words, flags in ((SPELLINGS, re.IGNORECASE), (PHRASES, 0)):
        for pattern, instead in words.items():
            for found in re.finditer(rf"\b(?:{pattern})\b", text, flags):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{line}: {found[0]} ({instead})"


def read() -> list[str]:
    """What is read: code, documents and manifests, but for what is recorded or already released."""
    return [
        name
        for name in tracked()
        if name.startswith(("functions/", "shared/", "infra/")) or "/" not in name
        if name.endswith((".py", ".md", ".toml", ".yaml", ".yml", ".sh"))
        or name in {"Makefile", "Procfile"}
    ] + ["migrations/README.md", "tests/README.md"]


@pytest.mark.parametrize("name", read())
def test_no_retired_word_is_read(name: str) -> None:
    assert odd((ROOT / name).read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("its colour", "1: colour (color)"),
        ("\ndef summarise_usage", "2: summarise_usage (-ize)"),
        ("the database is away", "1: is away (is down, is unavailable)"),
        ("class Want(Struct)", "1: class Want (a noun of the field: RoutingRequest, UsageWriter)"),
        ("a cancelled catalogue", "1: catalogue (catalog)"),
    ],
)
def test_a_retired_word_is_found(text: str, found: str) -> None:
    assert odd(text) == [found]


def test_other_words_and_names_of_the_contract_are_not() -> None:
    assert odd("await catalogue.sync; to amend the otherwise precise premise, arise") == []
