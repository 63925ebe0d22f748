"""The parts of a request that the shipped provider does not read, and this one does."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.fakes.scripted_provider.schema_answer import JSON_OBJECT, fitting


class Named(msgspec.Struct):
    """A message, as far as one provider does not take all of them."""

    name: Any = None


class Wanted(msgspec.Struct):
    """OpenAI's response_format; Anthropic's output_config.format has the schema at the top."""

    type: str = "text"
    json_schema: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None

    def text(self) -> str | None:
        """The plainest JSON that fits; None where text is asked for."""
        if self.type == "text":
            return None
        schema = self.schema if self.json_schema is None else self.json_schema.get("schema")
        return JSON_OBJECT if schema is None else fitting(schema)


class OutputConfig(msgspec.Struct):
    format: Wanted | None = None


class Asked(msgspec.Struct):
    """Fields of type Any are read only to be refused where a provider does not take them."""

    model: str | None = None
    messages: list[Named] = []
    stream: bool | None = None
    simulate: str | None = None
    user: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    response_format: Wanted | None = None
    output_config: OutputConfig | None = None
    logprobs: Any = None
    top_logprobs: Any = None
    logit_bias: Any = None

    def limit(self) -> int:
        """The most completion tokens asked for; 0 where the request does not say."""
        return self.max_completion_tokens or self.max_tokens or 0

    def json_text(self) -> str | None:
        wanted = self.response_format
        if wanted is None and self.output_config is not None:
            wanted = self.output_config.format
        return None if wanted is None else wanted.text()


_DECODER = msgspec.json.Decoder(Asked)


def asked_of(body: bytes) -> Asked:
    """Nothing, where the body cannot be read: the shipped provider then refuses it."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Asked()
