"""Thinking blocks bear the signature of the provider that thought: nobody else takes them.

Anthropic answers 400 to another's ("Invalid `signature` in `thinking` block":
vybestack/llxprt-code issue 1469), and a server that speaks its wire has signatures of its own. So a
block is given to the client with the name of its provider, which comes back with it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.history.fields import Fields, one_object, raw, text_of
from shared.wire.parse.lenient import encode, read_json
from shared.wire.translated import Drops

SIGNED_BY: Final = "provider"
"""The field of a block that names its provider's slug."""


def signed(block: msgspec.Raw, provider: str) -> msgspec.Raw:
    """A block as the client gets it."""
    return msgspec.Raw(encode({**read_json(one_object, block), SIGNED_BY: raw(provider)}))


def take_signature(block: Fields, place: str, provider: str, drops: Drops) -> bool:
    """Take the name out of a block; False, and its place in `drops`, where it is another's.

    A block without one was kept by a client that drops what it does not know: it may be ours.
    """
    named = text_of(block.pop(SIGNED_BY, None))
    if named in (None, provider):
        return True
    drops.leave_out(place)
    return False
