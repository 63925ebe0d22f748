"""The providers we know by name: each is a file here, and nothing else lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from shared.wire.provider import Provider, Seed


def _found() -> Iterator[Provider]:
    """Raises AttributeError for a file that makes no PROVIDER."""
    for module in iter_modules(__path__, f"{__name__}."):
        yield import_module(module.name).PROVIDER


KNOWN: Final[Mapping[str, Provider]] = MappingProxyType({one.slug: one for one in _found()})

SEEDS: Final[Mapping[str, Seed]] = MappingProxyType(
    dict(
        sorted(
            ((slug, one.seed) for slug, one in KNOWN.items() if one.seed is not None),
            key=lambda row: row[1].id,
        )
    )
)
"""The rows of a fresh installation by slug, in the order of their ids."""

_COMPATIBLE: Final = Provider(slug="")


def provider_of(slug: str) -> Provider:
    """What is known of the provider with this slug: for a stranger, what compatible servers do."""
    return KNOWN.get(slug, _COMPATIBLE)
