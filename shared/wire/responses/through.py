"""A Responses request to a provider that speaks Responses itself: bytes through.

The model's name is changed and our own fields are taken out; input, instructions and tools go out
byte for byte, so that prompt caches, sealed reasoning and hosted tools keep working.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.wire.chat.answer import Completion, NotAnAnswer
from shared.wire.chat.request import ChatRequest, encode_fields, raw_json
from shared.wire.chat.usage import normalize, read_usage
from shared.wire.chat.versions import version_of
from shared.wire.parse.lenient import ABSENT, NotJSON, check_utf8, encode, is_nothing, read_json
from shared.wire.quirks import Version
from shared.wire.responses.held import Holding, unmarked, without_sealed
from shared.wire.responses.request import ResponsesRequest
from shared.wire.translated import Sending, Translated
from shared.wire.usage import Counts

PATH: Final = "/responses"
_SAMPLING: Final = ("temperature", "top_p")
_DEFAULT: Final = frozenset({b"1", b"1.0", b"null"})
_FAILED: Final = frozenset({"failed", "cancelled"})


class Response(msgspec.Struct, frozen=True):
    """A response as far as it is billed and judged."""

    id: str = ""
    model: str | None = None
    service_tier: str | None = None
    status: str | None = None
    output: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT

    @property
    def counts(self) -> Counts | None:
        return normalize(read_usage(self.usage))


_response = msgspec.json.Decoder(Response)


def write_request(
    chat: ChatRequest, to: Sending, *, account: str = "", versions: tuple[Version, ...] = ()
) -> Translated:
    """The body for `to.model_id`; a level's limit goes in where the caller sent none. Of a model
    that the caller did not name, sampling that its version does not take is left out and named,
    and so is what another key's account sealed: `account` is Dialect.account."""
    fields = dict(chat.fields)
    fields["model"] = raw_json(to.model_id)
    held = chat.held if isinstance(chat, ResponsesRequest) else None
    drops = to.drops(chat)
    if held is not None:
        if held.response:
            fields["previous_response_id"] = raw_json(held.response)
        if "input" in fields and held.account == account:
            fields["input"] = msgspec.Raw(unmarked(bytes(fields["input"])))
        elif "input" in fields:
            fields["input"] = without_sealed(fields["input"], drops)
    if chat.max_tokens is None and to.max_tokens is not None:
        fields["max_output_tokens"] = raw_json(to.max_tokens)
    version = None if to.is_named else version_of(versions, to.model_id)
    untaken: frozenset[str] = frozenset() if version is None else version.unsampled
    for name in untaken.intersection(_SAMPLING).intersection(fields):
        if bytes(fields.pop(name)) not in _DEFAULT:
            drops.leave_out(name)
    most = chat.max_tokens or to.max_tokens
    return Translated(encode_fields(fields), drops.names, max_tokens=most)


def read_answer(body: bytes, *, created: int, holding: Holding) -> Completion:
    """Raises NotAnAnswer where the body is no response that was finished."""
    try:
        check_utf8(body)
        response = read_json(_response, body)
    except NotJSON as error:
        raise NotAnAnswer("not a response of the Responses API", body) from error
    if not is_nothing(response.error) or response.status in _FAILED:
        raise NotAnAnswer("an error in an answer of status 200", error_in(response))
    counts = response.counts
    took = counts is not None and bool(counts.completion_tokens)
    if is_nothing(response.output) and not took:
        raise NotAnAnswer("a response without output", body)
    return Completion(holding.of_response(body), response.model, response.service_tier, counts)


def response_in(raw: msgspec.Raw) -> Response:
    """Raises NotJSON."""
    return read_json(_response, raw)


def error_in(response: Response) -> bytes:
    """The error of a response that failed, as the body of a refusal."""
    said = response.error if not is_nothing(response.error) else raw_json(_UNKNOWN)
    return encode({"error": said})


_UNKNOWN: Final = {"code": "server_error", "message": "The response failed."}
