"""What is answered of a stored response, as far as we know it; the rest is its provider's."""

from __future__ import annotations

import msgspec


class StoredResponse(msgspec.Struct, frozen=True):
    """`output` and every other field are those that the provider answered with."""

    id: str
    object: str
    status: str
    output: list[object]


class DeletedResponse(msgspec.Struct, frozen=True):
    id: str
    object: str
    deleted: bool
