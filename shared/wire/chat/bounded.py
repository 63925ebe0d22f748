"""What a request may use at most, for whoever sets `max_cost_usd`; what has no bound is refused.

A field that nobody here knows may have a price of its own (a search, a plugin, a faster tier), so
the fields that cost nothing beside tokens are listed, and no others go with `max_cost_usd`.
Sources: the API references of OpenAI, OpenRouter, Groq, Mistral, Fireworks and Together ("Create
chat completion"), and vLLM's protocol.py; OpenAI's "Create a response", "Create embeddings" and
Anthropic's "Create a Message".
"""

from __future__ import annotations

import msgspec

from shared.errors import InvalidField
from shared.wire.chat.request import ChatRequest
from shared.wire.tokens.text import count_text

_FREE_FIELDS = """
model messages stream stream_options max_tokens max_completion_tokens min_tokens n stop
temperature top_p top_k top_a min_p typical_p frequency_penalty presence_penalty
repetition_penalty repeat_penalty logit_bias logprobs top_logprobs seed random_seed ignore_eos
user safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options
cache_control metadata store tools tool_choice parallel_tool_calls functions function_call
response_format reasoning reasoning_effort reasoning_format include_reasoning thinking
enable_thinking verbosity service_tier prediction modalities usage transforms safe_prompt
disable_tool_validation chat_template_kwargs add_generation_prompt continue_final_message
prompt_mode guided_json guided_regex guided_choice guided_grammar structured_outputs grammar
skip_special_tokens spaces_between_special_tokens include_stop_str_in_output
context_length_exceeded_behavior prompt_truncate_len truncate_prompt_tokens raw_output
perf_metrics_in_response input dimensions encoding_format
instructions max_output_tokens text include truncation background
system stop_sequences output_config output_format
"""
_FREE = frozenset(_FREE_FIELDS.split())
_OUR_TOOLS = (b'"function"', b'"custom"')
_TEXT_ALONE = (["text"], None)


class Worst(msgspec.Struct, frozen=True):
    """`text_tokens` of messages, tools and files; `images` are counted, as providers say how many
    tokens one is at most. `predicted_tokens` are charged as an answer where they are not met. Each
    of `inputs` may fill the model's context.
    """

    text_tokens: int
    images: int = 0
    audio_tokens: int = 0
    predicted_tokens: int = 0
    answers: int = 1
    service_tier: str | None = None
    writes_cache: bool = False
    inputs: int = 1


_tools = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)


def worst_of(chat: ChatRequest) -> Worst:
    prompt, fields = chat.prompt, chat.fields
    tier = _decoded(fields.get("service_tier"))
    return Worst(
        text_tokens=prompt.most_text_tokens + (prompt.files.most if prompt.files else 0),
        images=prompt.images,
        audio_tokens=prompt.audio.most if prompt.audio else 0,
        predicted_tokens=_predicted_tokens(fields.get("prediction")),
        answers=chat.n,
        service_tier=tier if isinstance(tier, str) else None,
        writes_cache=any(
            b'"cache_control"' in bytes(fields[name])
            for name in ("messages", "tools", "system", "input")
            if name in fields
        )
        or "cache_control" in fields,
        inputs=chat.inputs,
    )


def check_bounded(chat: ChatRequest) -> None:
    """Raises InvalidField for what `max_cost_usd` cannot bound, by its name."""
    for name in chat.fields:
        if name not in _FREE:
            raise _unbounded(name)
    if _decoded(chat.fields.get("modalities")) not in _TEXT_ALONE:
        raise _unbounded("modalities")
    limits = [_decoded(chat.fields.get(name)) for name in ("max_completion_tokens", "max_tokens")]
    if None not in limits and limits[0] != limits[1]:
        # Which of the two holds differs by provider.
        raise _unbounded("max_tokens")
    tools = _tools.decode(chat.fields["tools"]) if "tools" in chat.fields else None
    for index, tool in enumerate(tools or ()):
        kind = bytes(tool["type"]) if "type" in tool else b""
        if kind not in _OUR_TOOLS and not {"function", "input_schema"} & tool.keys():
            raise _unbounded(f"tools[{index}]")


def _unbounded(name: str) -> InvalidField:
    return InvalidField(
        f"max_cost_usd cannot bound what '{name}' costs; leave one of the two out.",
        param=name,
        code="unsupported_with_max_cost_usd",
    )


def _predicted_tokens(raw: msgspec.Raw | None) -> int:
    if raw is None or bytes(raw) == b"null":
        return 0
    # Of whatever shape it is, it is no longer than its JSON.
    return count_text(bytes(raw).decode()) * 5 // 4


def _decoded(raw: msgspec.Raw | None) -> object:
    """None, too, for a number that no decoder has room for: a provider says what is wrong."""
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
