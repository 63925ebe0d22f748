"""What is answered of a stored response, as far as we know it; the rest is its provider's."""

from __future__ import annotations

from typing import Any

import msgspec


class StoredResponse(msgspec.Struct, frozen=True):
    """`output` and every other field are those that the provider answered with."""

    id: str
    object: str
    status: str
    output: list[dict[str, Any]]


class DeletedResponse(msgspec.Struct, frozen=True):
    id: str
    object: str
    deleted: bool
