"""Where one attempt goes, and in which words."""

from __future__ import annotations

import msgspec

from shared.upstream.origin import Origin
from shared.wire.dialect import Dialect


class Target(msgspec.Struct, frozen=True):
    """`target` is the request path, `headers` are header lines with the credential in them.

    `speaks_as` is the slug whose refusals the answer has; `model_prefix` stands before the model's
    id on the way out; `via` names a proxy between us and the provider;
    `may_be_private` is that of `UpstreamRequest`.
    """

    dialect: Dialect
    origin: Origin
    target: bytes
    headers: bytes
    is_simulated: bool
    may_be_private: bool
    speaks_as: str
    model_prefix: str = ""
    via: str | None = None

    def __repr__(self) -> str:
        return f"Target({self.origin.host})"
