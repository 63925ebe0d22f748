"""What Anthropic refuses of a request of its Messages API."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from tests.fakes.strict.images import media_type_of
from tests.fakes.strict.rule import Body, Rule
from tests.fakes.strict.schemas import unsupported_in

_PARAMS: Final = "anthropic-sdk-python, types/message_create_params.py"
_TOOLS: Final = "platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"
_THINKING: Final = "platform.claude.com/docs/en/build-with-claude/extended-thinking"
_EFFORT: Final = "platform.claude.com/docs/en/build-with-claude/effort"
_KNOWN: Final = frozenset(
    {
        *("max_tokens", "messages", "model", "cache_control", "container", "inference_geo"),
        *("metadata", "output_config", "service_tier", "stop_sequences", "stream", "system"),
        *("temperature", "thinking", "tool_choice", "tools", "top_k", "top_p"),
    }
)
_BLOCKS: Final[dict[str, frozenset[str]]] = {
    "text": frozenset({"text", "cache_control", "citations"}),
    "image": frozenset({"source", "cache_control"}),
    "document": frozenset({"source", "title", "context", "cache_control", "citations"}),
    "tool_use": frozenset({"id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error", "cache_control"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
}
_OLD: Final = re.compile(r"claude-3|claude-[a-z]+-4(-[0-5])?(-\d{8})?$")
_SAMPLES: Final = re.compile(_OLD.pattern + r"|claude-[a-z]+-4-6")
_NO_EFFORT: Final = re.compile(
    r"claude-3|(sonnet|haiku)-4(-[0-5])?(-\d{8})?$|opus-4(-[01])?(-\d{8})?$"
)
_ALWAYS_THINKS: Final = re.compile(r"claude-(opus-5-5|fable)")


def _fields(body: Body) -> Iterator[str]:
    yield from (f"{name}: Extra inputs are not permitted" for name in body.keys() - _KNOWN)


def _turns(body: Body) -> Iterator[str]:
    for place, turn in enumerate(body["messages"]):
        yield from (
            f"messages.{place}.{name}: Extra inputs" for name in turn.keys() - {"role", "content"}
        )
        if turn["role"] not in ("user", "assistant"):
            yield f"messages.{place}.role: {turn['role']}"
        if not turn["content"]:
            yield f"messages.{place}: all messages must have non-empty content"


def _first_turn(body: Body) -> Iterator[str]:
    if body["messages"][0]["role"] != "user":
        yield 'messages: first message must use the "user" role'


def _blocks(body: Body) -> Iterator[str]:
    for place, block in blocks(body):
        known = _BLOCKS.get(block["type"])
        if known is None:
            yield f"{place}: Input tag '{block['type']}' found"
            continue
        yield from (f"{place}.{name}: Extra inputs" for name in block.keys() - known - {"type"})


def _blank_text(body: Body) -> Iterator[str]:
    for place, block in blocks(body):
        if block["type"] == "text" and not block["text"].strip():
            yield f"{place}: text content blocks must contain non-whitespace text"


def _prefill(body: Body) -> Iterator[str]:
    last = body["messages"][-1]
    if last["role"] != "assistant":
        return
    if _is_newer(body, than=_OLD):
        yield "This model does not support assistant message prefill"
    text = last["content"][-1].get("text", "")
    if text != text.rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _ids(body: Body) -> Iterator[str]:
    seen: set[str] = set()
    for place, block in blocks(body):
        name = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block["type"])
        if name and not re.fullmatch(r"[a-zA-Z0-9_-]+", block[name]):
            yield f"{place}.{name}: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if name == "id" and block["id"] in seen:
            yield f"{place}: `tool_use` ids must be unique"
        if name == "id":
            seen.add(block["id"])


def _results(body: Body) -> Iterator[str]:
    asked: set[str] = set()
    for place, turn in enumerate(body["messages"]):
        of_kind = {
            kind: [one for one in turn["content"] if one["type"] == kind] for kind in _BLOCKS
        }
        given = [one["tool_use_id"] for one in of_kind["tool_result"]]
        if asked - set(given):
            yield f"messages.{place}: `tool_use` ids were found without `tool_result`"
        if set(given) - asked or len(given) > len(set(given)):
            yield f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks"
        leading = turn["content"][: len(given)]
        if any(one["type"] != "tool_result" for one in leading):
            yield f"messages.{place}: tool_result blocks come first"
        asked = {one["id"] for one in of_kind["tool_use"]}
    if asked:
        yield "`tool_use` ids were found without `tool_result` blocks at the end"


def _inputs(body: Body) -> Iterator[str]:
    for place, block in blocks(body):
        if block["type"] == "tool_use" and not isinstance(block["input"], dict):
            yield f"{place}.input: Input should be a valid dictionary"


def _tools_are_defined(body: Body) -> Iterator[str]:
    if not body.get("tools") and any(one["type"].startswith("tool_") for _, one in blocks(body)):
        yield "Requests which include `tool_use` or `tool_result` blocks must define tools"


def _images(body: Body) -> Iterator[str]:
    for place, block in blocks(body):
        source = block.get("source") if block["type"] == "image" else None
        if source and source["type"] == "base64":
            real = media_type_of(source["data"])
            if real != source["media_type"]:
                yield f"{place}: specified {source['media_type']}, but appears to be {real}"


def _thoughts(body: Body) -> Iterator[str]:
    for place, turn in enumerate(body["messages"]):
        seen_other = False
        for block in turn["content"]:
            if block["type"] not in ("thinking", "redacted_thinking"):
                seen_other = True
                continue
            if turn["role"] != "assistant":
                yield f"messages.{place}: thinking blocks are only valid in assistant turns"
            if seen_other:
                yield f"messages.{place}: thinking must come first"
            if block["type"] == "thinking" and not block.get("signature"):
                yield f"messages.{place}: Invalid `signature` in `thinking` block"
    if _of(body, "thinking").get("type") == "enabled" and body.get("tools"):
        turns = [turn for turn in body["messages"] if turn["role"] == "assistant"]
        if turns and turns[-1]["content"][0]["type"] == "tool_use":
            yield "Expected `thinking` or `redacted_thinking`, but found `tool_use`"


def signatures_of(mine: Collection[str]) -> Rule:
    """Of whose thinking blocks `mine` are the signatures, or the data where they are redacted."""

    def broken(body: Body) -> Iterator[str]:
        for place, block in blocks(body):
            if block["type"] == "thinking" and block.get("signature") not in mine:
                yield f"{place}: Invalid `signature` in `thinking` block"
            if block["type"] == "redacted_thinking" and block.get("data") not in mine:
                yield f"{place}: Invalid `data` in `redacted_thinking` block"

    return Rule("vybestack/llxprt-code issue 1469; " + _THINKING, broken)


def _sampling(body: Body) -> Iterator[str]:
    newer = _is_newer(body, than=_SAMPLES)
    for name in {"temperature", "top_p", "top_k"} & body.keys():
        if newer and body[name] != 1:
            yield f"{name} is not supported by {body['model']}"
    if body.get("temperature", 1) > 1:
        yield "temperature: Input should be less than or equal to 1"


def _effort(body: Body) -> Iterator[str]:
    effort = _of(body, "output_config").get("effort")
    if effort is None:
        return
    if _NO_EFFORT.search(body["model"]):
        yield "This model does not support the effort parameter"
    known = {"low", "medium", "high"}
    if not _OLD.search(body["model"]):
        known.add("max")
    if not _SAMPLES.search(body["model"]):
        known.add("xhigh")
    if effort not in known:
        yield f"output_config.effort: {effort}"


def _thinking_off(body: Body) -> Iterator[str]:
    if _of(body, "thinking").get("type") == "disabled" and _ALWAYS_THINKS.search(body["model"]):
        yield "thinking cannot be disabled for this model"


def _schemas(body: Body) -> Iterator[str]:
    form = _of(body, "output_config").get("format")
    if form is not None:
        yield from unsupported_in(form["schema"], "output_config.format.schema")
    for place, tool in enumerate(body.get("tools") or ()):
        if tool["input_schema"].get("type") != "object":
            yield f"tools.{place}.custom.input_schema.type: Field required"
        if tool.get("strict"):
            yield from unsupported_in(tool["input_schema"], f"tools.{place}.custom.input_schema")


def _is_newer(body: Body, *, than: re.Pattern[str]) -> bool:
    """Of a compatible server's models, which are not Claude, nothing of the kind is known."""
    return body["model"].startswith("claude") and not than.search(body["model"])


def _of(body: Body, name: str) -> dict[str, Any]:
    return body.get(name) or {}


def blocks(body: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every content block, those within results too."""
    for place, turn in enumerate(body["messages"]):
        yield from _within(turn["content"], f"messages.{place}.content")


def _within(content: Iterable[dict[str, Any]], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, block in enumerate(content):
        yield f"{place}.{index}", block
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            yield from _within(block["content"], f"{place}.{index}.content")


RULES: Final = (
    Rule(_PARAMS, _fields),
    Rule(_PARAMS + "; types/message_param.py", _turns),
    Rule("livekit/agents pull request 669", _first_turn),
    Rule("danny-avila/LibreChat issue 6724; anthropic-sdk-python, types/*_block_param.py", _blocks),
    Rule("arunalabs/mode issue 9: text content blocks must be non-empty", _blank_text),
    Rule("langchain-ai/langchain issue 35071; strands-agents/sdk-python issue 1694", _prefill),
    Rule("anthropics/claude-code issue 20508; types/tool_use_block_param.py", _ids),
    Rule("anthropics/claude-code issues 3860 and 64383; " + _TOOLS, _results),
    Rule("openai/openai-agents-python issue 2061; types/tool_use_block_param.py", _inputs),
    Rule("docs.litellm.ai/docs/providers/anthropic, modify_params", _tools_are_defined),
    Rule("home-assistant/core issue 167208", _images),
    Rule("vybestack/llxprt-code issue 1469; " + _THINKING, _thoughts),
    Rule("platform.claude.com, migration guides: sampling of Opus 4.7 and later", _sampling),
    Rule(_EFFORT, _effort),
    Rule("platform.claude.com/docs/en/about-claude/models: adaptive, always on", _thinking_off),
    Rule("platform.claude.com/docs/en/build-with-claude/structured-outputs", _schemas),
)
