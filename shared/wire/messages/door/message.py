"""An answer of a chat completion as a message: the reverse of shared/wire/messages/answer.py.

Sources: anthropic-sdk-python, types/{message,usage,stop_reason}.py and types/*_block.py.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from shared.wire.chat.answer import Completion, text_tokens
from shared.wire.chat.chunk import Choice, Said, read_chunk
from shared.wire.chat.said import arguments_in, object_in, objects_in, texts_in, thought_of
from shared.wire.history.ids import fit_id
from shared.wire.messages.conversation import CALL_IDS
from shared.wire.parse.lenient import ABSENT, NotJSON, encode, read_json, read_text
from shared.wire.usage import Counts

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def as_message(completion: Completion, prompt_tokens: int) -> Completion:
    """The message that the first choice of an answer is.

    `prompt_tokens`: the estimate for an answer that reports no usage, which a message must have.
    """
    answer = read_chunk(completion.body)
    choice = answer.choices[0] if answer.choices else Choice()
    blocks = _blocks(choice.said)
    calls = any(block["type"] == "tool_use" for block in blocks)
    reason = choice.finish_reason or ("tool_calls" if calls else "stop")
    shown: dict[str, object] = {
        "id": read_text(answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model or "",
        "content": blocks,
        "stop_reason": STOP_REASONS.get(reason, "end_turn"),
        "stop_sequence": None,
        "usage": usage_object(completion.counts, prompt_tokens, text_tokens(completion.body)),
    }
    return msgspec.structs.replace(completion, body=encode(shown))


def usage_object(
    counts: Counts | None, prompt_tokens: int, completion_tokens: int
) -> dict[str, object]:
    """Usage as Anthropic tells it: its input leaves the cache out. The other two are estimates."""
    counts = counts or Counts()
    prompt = prompt_tokens if counts.prompt_tokens is None else counts.prompt_tokens
    cached, written = counts.cached_tokens or 0, counts.cache_write_tokens or 0
    shown: dict[str, object] = {
        "input_tokens": max(0, prompt - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": completion_tokens
        if counts.completion_tokens is None
        else counts.completion_tokens,
    }
    if counts.reasoning_tokens is not None:
        shown["output_tokens_details"] = {"thinking_tokens": counts.reasoning_tokens}
    return shown


def tool_id(call_id: str) -> str:
    """The id of a call as Claude takes it back: Kimi's are `functions.Bash:0` (maximhq/bifrost
    issue 5097), and the next turn may go to Claude with not a byte changed."""
    return fit_id(call_id, CALL_IDS) if call_id else ""


def signed_thoughts(said: Said) -> list[msgspec.Raw]:
    """Claude's own thinking blocks, which come back through a chat provider in LiteLLM's field."""
    return [msgspec.Raw(encode(one)) for one in objects_in(said.get("thinking_blocks", ABSENT))]


def _blocks(said: Said) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    signed = signed_thoughts(said)
    if signed:
        blocks += [dict(object_in(one)) for one in signed]
    elif thoughts := thought_of(said):
        thought = "".join(map(read_text, thoughts))
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    texts = [*texts_in(said.get("content", ABSENT)), *texts_in(said.get("refusal", ABSENT))]
    if texts:
        blocks.append({"type": "text", "text": "".join(map(read_text, texts))})
    for call in objects_in(said.get("tool_calls", ABSENT)):
        function = object_in(call.get("function", ABSENT))
        blocks.append(
            {
                "type": "tool_use",
                "id": tool_id(read_text(call.get("id", ABSENT))),
                "name": read_text(function.get("name", ABSENT)),
                "input": _input(arguments_in(function)),
            }
        )
    return blocks


def _input(arguments: str) -> object:
    """A tool's input must be an object: of what is none, such as a call that was cut, its text."""
    if not arguments.strip():
        return {}
    try:
        read_json(_fields, arguments.encode())
    except (NotJSON, UnicodeEncodeError):
        return {"_raw": arguments}
    return msgspec.Raw(arguments.encode())
