"""openai -> openai: patch the model name, ask for usage, pass everything else through."""

from __future__ import annotations

import msgspec

from shared.wire.chat import ChatRequest, encode_fields, raw_json

PATH = "/chat/completions"

_USAGE_ASKED = msgspec.Raw(b'{"include_usage":true}')


def request_headers(api_key: str | None) -> bytes:
    """Header lines for a provider that takes a Bearer token (all OpenAI-compatible ones do).

    Raises ValueError for a key that no header can carry; the message does not repeat it.
    """
    lines = b"content-type: application/json\r\naccept: application/json, text/event-stream\r\n"
    if api_key is None:
        return lines
    if not api_key.isascii() or not api_key.isprintable():
        raise ValueError("the API key has characters that a header cannot carry")
    return b"authorization: Bearer %b\r\n%b" % (api_key.encode(), lines)


def request_body(
    chat: ChatRequest,
    model_id: str,
    *,
    max_tokens: int | None = None,
    temperature: float | None = None,
) -> bytes:
    """The body for `model_id`; the defaults go in only where the client sent none (0 stays 0)."""
    fields = dict(chat.fields)
    fields["model"] = raw_json(model_id)
    if chat.stream:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    if max_tokens is not None and chat.max_tokens is None:
        fields["max_completion_tokens"] = raw_json(max_tokens)
    if temperature is not None and "temperature" not in fields:
        fields["temperature"] = raw_json(temperature)
    return encode_fields(fields)


def _with_usage(asked: msgspec.Raw | None) -> msgspec.Raw:
    if asked is None or bytes(asked) == b"null":
        return _USAGE_ASKED
    options = msgspec.json.decode(asked, type=dict[str, msgspec.Raw])
    return msgspec.Raw(encode_fields({**options, "include_usage": True}))
