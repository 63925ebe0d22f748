"""The parts of a request that the shipped provider does not read, and this one does."""

from __future__ import annotations

from typing import Any

import msgspec


class Named(msgspec.Struct):
    """A message, as far as one provider does not take all of them."""

    name: Any = None


class Asked(msgspec.Struct):
    """Fields of type Any are read only to be refused where a provider does not take them."""

    model: str | None = None
    messages: list[Named] = []
    stream: bool | None = None
    simulate: str | None = None
    user: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    logprobs: Any = None
    top_logprobs: Any = None
    logit_bias: Any = None

    def limit(self) -> int:
        """The most completion tokens asked for; 0 where the request does not say."""
        return self.max_completion_tokens or self.max_tokens or 0


_DECODER = msgspec.json.Decoder(Asked)


def asked_of(body: bytes) -> Asked:
    """Nothing, where the body cannot be read: the shipped provider then refuses it."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Asked()
