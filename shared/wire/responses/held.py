"""What a provider holds of a conversation, and by whose key it is found again.

A response's id, and what is sealed for its provider alone (`encrypted_content`), are worth nothing
elsewhere: a follow-up has to go to the same provider with the same key. So the id that a caller is
given is sealed, with the user, the provider and the key in it, and a mark of the same stands before
what a provider sealed. No other byte of an answer is changed.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import msgspec

from shared.errors import InvalidField
from shared.wire.history.fields import one_object, raw, says_nothing
from shared.wire.parse.lenient import encode, read_json
from shared.wire.translated import Drops

_PREFIX: Final = "resp_"
_MARK: Final = re.compile(rb'"encrypted_content"\s*:\s*"sy\.([A-Za-z0-9_-]{1,600})\.')
_SEALED: Final = re.compile(rb'"encrypted_content"\s*:\s*"(?!")')
_SEALED_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,800}")
_BLOCK: Final = 4
_NAMED: Final = b'"encrypted_content"'


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account` is Dialect.account; `response` the provider's own id, "" of sealed thoughts."""

    user: str
    account: str
    response: str


class Seals(Protocol):
    """The vault's ring. `open` gives None for what it did not seal."""

    def seal(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes | None: ...


_held = msgspec.json.Decoder(Held)
_items = msgspec.json.Decoder(list[msgspec.Raw])


class Ids:
    """Ids and marks, sealed and opened."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def response_id(self, held: Held) -> str:
        return _PREFIX + self._sealed(held)

    def holder(self, response_id: str) -> Held | None:
        """Who holds it; None for an id that was not sealed here."""
        if not response_id.startswith(_PREFIX):
            return None
        return self._opened(response_id.removeprefix(_PREFIX))

    def mark(self, held: Held) -> bytes:
        return b"sy." + self._sealed(held).encode() + b"."

    def marked(self, items: bytes) -> list[Held]:
        """Whose sealed thoughts are among `items`. Raises InvalidField for a false mark."""
        if _NAMED not in items:
            return []
        found = [self._opened(token.decode()) for token in dict.fromkeys(_MARK.findall(items))]
        if None in found:
            raise not_yours("input")
        return [one for one in found if one is not None]

    def _sealed(self, held: Held) -> str:
        return self._seals.seal(msgspec.json.encode(held)).rstrip("=")

    def _opened(self, text: str) -> Held | None:
        if _SEALED_ID.fullmatch(text) is None:
            return None
        plain = self._seals.open(text + "=" * (-len(text) % _BLOCK))
        try:
            return None if plain is None else _held.decode(plain)
        except msgspec.DecodeError:
            return None


class Holding:
    """Tells a provider's answers by the ids that the caller is given."""

    def __init__(self, ids: Ids, user: str, account: str, previous: str | None) -> None:
        """`previous`: the id of the response before, as the caller has it."""
        self._ids = ids
        self._user = user
        self._account = account
        self._previous = previous
        self._known: dict[str, str] = {}
        self._mark = b""

    def of_response(self, response: bytes) -> bytes:
        """A response with those ids. Raises NotJSON."""
        fields = read_json(one_object, response)
        own_id = msgspec.json.decode(fields["id"]) if "id" in fields else None
        if isinstance(own_id, str) and own_id:
            fields["id"] = raw(self._id(own_id))
        before = "previous_response_id"
        if self._previous is not None and not says_nothing(fields.get(before)):
            fields[before] = raw(self._previous)
        return self.of_items(encode(fields))

    def of_items(self, data: bytes) -> bytes:
        """JSON with the mark before whatever the provider sealed."""
        if _NAMED not in data:
            return data
        if not self._mark:
            self._mark = self._ids.mark(Held(self._user, self._account, ""))
        return _SEALED.sub(b'"encrypted_content":"' + self._mark, data)

    def _id(self, own_id: str) -> str:
        if own_id not in self._known:
            held = Held(self._user, self._account, own_id)
            self._known[own_id] = self._ids.response_id(held)
        return self._known[own_id]


def unmarked(items: bytes) -> bytes:
    """The items as the provider gave them."""
    return _MARK.sub(b'"encrypted_content":"', items) if _NAMED in items else items


def without_sealed(items: msgspec.Raw, drops: Drops) -> msgspec.Raw:
    """The items but for those that a provider sealed: nobody else can read them, and their ids are
    known to it alone."""
    kept: list[msgspec.Raw] = []
    for index, item in enumerate(_items.decode(items)):
        if _MARK.search(item) is None:
            kept.append(item)
        else:
            drops.leave_out(f"input[{index}]")
    return raw(kept)


def not_yours(param: str) -> InvalidField:
    """The error for a response, or for thoughts, that are another's or were never given out."""
    return InvalidField(
        "Nobody here knows that response: it was given to another user, or not by this gateway."
        if param == "previous_response_id"
        else "The encrypted content of an item was given to another user, or not by this gateway.",
        param=param,
        code="previous_response_not_found" if param != "input" else "invalid_encrypted_content",
    )
