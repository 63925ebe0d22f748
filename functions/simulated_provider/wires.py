"""The wires that are spoken, and which of them a path asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from functions.simulated_provider import (
    anthropic_request,
    anthropic_wire,
    openai_wire,
    request,
    responses_request,
    responses_wire,
)
from functions.simulated_provider.answer import Answer
from functions.simulated_provider.refused import Refused
from functions.simulated_provider.request import ChatRequest, Message
from functions.simulated_provider.responses_request import Asked

_MOST_KEPT = 1000
_MODELS = ("simulated-small", "simulated-large")
_NO_MODEL = ("unknown", "nonexistent", "does-not-exist")


class Wire(Protocol):
    """`id_header` names the header that an answer's id is sent in."""

    id_header: bytes

    def authorize(self, key: str | None, headers: Mapping[bytes, bytes]) -> None:
        """Raises Refused where there is no key, or one that says that it is invalid."""
        ...

    def decode(self, body: bytes) -> ChatRequest:
        """Raises Refused."""
        ...

    def completion(self, asked: ChatRequest, said: Answer) -> bytes: ...

    def events(self, asked: ChatRequest, said: Answer) -> list[bytes]:
        """Every SSE event of the stream."""
        ...

    def no_model(self, name: str) -> Refused:
        """What is said of a model that there is not."""
        ...

    def error(self, refused: Refused, request_id: str) -> bytes: ...
    def model_list(self) -> bytes: ...
    def model_card(self, name: str) -> bytes: ...


class OpenAI:
    id_header = b"x-request-id"

    def authorize(self, key: str | None, headers: Mapping[bytes, bytes]) -> None:
        if not key:
            raise Refused("You didn't provide an API key.", status=401)
        if "invalid" in key:
            raise Refused("Incorrect API key provided.", status=401, code="invalid_api_key")

    def decode(self, body: bytes) -> ChatRequest:
        return request.decode(body)

    def completion(self, asked: ChatRequest, said: Answer) -> bytes:
        return openai_wire.completion(said, asked.model)

    def events(self, asked: ChatRequest, said: Answer) -> list[bytes]:
        return openai_wire.events(said, asked.model, shows_usage=asked.wants_usage_event())

    def no_model(self, name: str) -> Refused:
        said = f"The model `{name[:100]}` does not exist or you do not have access to it."
        return Refused(said, status=404, code="model_not_found")

    def error(self, refused: Refused, request_id: str) -> bytes:
        return openai_wire.error(refused)

    def model_list(self) -> bytes:
        return openai_wire.model_list(_MODELS)

    def model_card(self, name: str) -> bytes:
        return openai_wire.model_card(name)


class Responses(OpenAI):
    """The last answers are kept, as the conversations that they belong to, unless nobody wants it
    (openai 3.54.0 `types/responses/response_create_params.py`, store)."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[list[Message], bytes]] = {}

    def decode(self, body: bytes) -> ChatRequest:
        asked = responses_request.decode(body)
        if asked.previous_response_id is not None:
            earlier, _ = self._found(asked.previous_response_id, "previous_response_id")
            asked.messages = [*earlier, *asked.messages]
        return asked

    def completion(self, asked: ChatRequest, said: Answer) -> bytes:
        return msgspec.json.encode(self._response(asked, said))

    def events(self, asked: ChatRequest, said: Answer) -> list[bytes]:
        return responses_wire.events(self._response(asked, said), said)

    def kept(self, response_id: str) -> bytes:
        """Raises Refused."""
        return self._found(response_id, "response_id", status=404)[1]

    def delete(self, response_id: str) -> bytes:
        """Raises Refused."""
        self._found(response_id, "response_id", status=404)
        del self._kept[response_id]
        return responses_wire.deleted(response_id)

    def _response(self, asked: ChatRequest, said: Answer) -> responses_wire.Fields:
        assert isinstance(asked, Asked)  # noqa: S101  what `decode` made
        response = responses_wire.response(asked, said)
        if asked.is_stored:
            messages = [*asked.messages, Message("assistant", said.text)]
            self._kept[response["id"]] = (messages, msgspec.json.encode(response))
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return response

    def _found(
        self, response_id: str, param: str, status: int = 400
    ) -> tuple[list[Message], bytes]:
        kept = self._kept.get(response_id)
        if kept is None:
            said = f"Response with id '{response_id[:100]}' not found."
            raise Refused(said, param, status=status, code=f"{param.removesuffix('_id')}_not_found")
        return kept


class Anthropic:
    """The id of a request is in `request-id` and in the errors (…/docs/en/api/errors)."""

    id_header = b"request-id"

    def authorize(self, key: str | None, headers: Mapping[bytes, bytes]) -> None:
        """A bearer token will do as well as x-api-key (anthropic 2.13.0 `_client.py`, auth_token);
        `anthropic-version` has no default (platform.claude.com/docs/en/api/versioning)."""
        if not key:
            raise Refused("x-api-key header is required", status=401)
        if "invalid" in key:
            raise Refused("invalid x-api-key", status=401)
        if not headers.get(b"anthropic-version"):
            raise Refused("anthropic-version: header is required")

    def decode(self, body: bytes) -> ChatRequest:
        return anthropic_request.decode(body)

    def completion(self, asked: ChatRequest, said: Answer) -> bytes:
        return anthropic_wire.message(said, asked.model)

    def events(self, asked: ChatRequest, said: Answer) -> list[bytes]:
        return anthropic_wire.events(said, asked.model)

    def no_model(self, name: str) -> Refused:
        return Refused(f"model: {name[:100]}", status=404)

    def error(self, refused: Refused, request_id: str) -> bytes:
        return anthropic_wire.error(refused.status, str(refused), request_id)

    def model_list(self) -> bytes:
        return anthropic_wire.model_list(_MODELS)

    def model_card(self, name: str) -> bytes:
        return anthropic_wire.model_card(name)


_OPENAI = OpenAI()
_ANTHROPIC = Anthropic()
RESPONSES = Responses()


def is_model(name: str) -> bool:
    """Any name is one, but for those that say they are none."""
    return not any(word in name.lower() for word in _NO_MODEL)


def wire_of(path: str) -> Wire:
    """`…/messages` is always Anthropic's, and the rest of its paths but its `…/chat/completions`,
    which is in OpenAI's shape, errors too (platform.claude.com/docs/en/api/openai-sdk).
    """
    if path.endswith("/messages"):
        return _ANTHROPIC
    if path.endswith("/responses") or "/responses/" in path:
        return RESPONSES
    is_anthropics = path.startswith("/anthropic/") and not path.endswith("/chat/completions")
    return _ANTHROPIC if is_anthropics else _OPENAI
