"""What is answered to a request: a function of the request alone.

The token rule, the same wherever tokens are counted here: a text is ceil(UTF-8 bytes / 4) tokens;
a prompt is the sum over its messages of their text's tokens plus 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from functions.simulated_provider.request import ChatRequest

OPENING = "This is a simulated answer: no model was called."
TOOL_ARGUMENTS = '{"simulated": true}'
MOST_EVENTS = 64
_ECHOED_CHARACTERS = 80
_TOKENS_A_MESSAGE = 4
_WORD = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the content, or the arguments of each call where `tools` names functions."""

    text: str
    tools: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


def tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def answer(request: ChatRequest, events: int | None = None) -> Answer:
    """`events`: how many words the text must have at least, so that as many events can be sent."""
    tools = _tools_to_call(request)
    whole = TOOL_ARGUMENTS if tools else _text(request, events)
    sent = _shorten(whole, request.limit())
    complete = "tool_calls" if tools else "stop"
    reason = "length" if len(sent) < len(whole) else complete
    prompt = sum(tokens(message.text()) + _TOKENS_A_MESSAGE for message in request.messages)
    return Answer(sent, tools, reason, prompt, tokens(sent) * max(1, len(tools)))


def pieces(text: str, most: int | None = None) -> list[str]:
    """The text, a word a piece, or several words a piece when there are more than `most`."""
    words = _WORD.findall(text)
    count, most = len(words), most or MOST_EVENTS
    if count <= most:
        return words
    return ["".join(words[i * count // most : (i + 1) * count // most]) for i in range(most)]


def _tools_to_call(request: ChatRequest) -> tuple[str, ...]:
    """The first function, when the last message is a user's and says "call tool"; the first and
    the last at once when it says "call two tools".

    Only the last message: an agent that sent the tool's result must get an answer, not a loop.
    """
    last = request.messages[-1]
    if not request.tools or last.role != "user":
        return ()
    functions = [tool.function.name for tool in request.tools if tool.function is not None]
    said = last.text().lower()
    if functions and "call two tools" in said:
        return functions[0], functions[-1]
    return (functions[0],) if functions and "call tool" in said else ()


def _text(request: ChatRequest, events: int | None) -> str:
    if request.wanted is not None and request.wanted.type != "text":
        return request.wanted.fitting()
    text = OPENING
    for message in reversed(request.messages):
        if message.role == "user":
            # A slice first: a prompt may be megabytes, and only its beginning is echoed.
            said = " ".join(message.text()[: 4 * _ECHOED_CHARACTERS].split())
            echo = said[:_ECHOED_CHARACTERS].rstrip()
            if echo:
                text = f"{OPENING} You asked: {echo}{'…' if len(said) > len(echo) else ''}"
            break
    words = text.split(" ")
    if events is not None and events > len(words):
        text = " ".join(words[i % len(words)] for i in range(events))
    return text


def _shorten(text: str, limit: int | None) -> str:
    """At most `limit` tokens of the text; a character is never split."""
    if limit is None or tokens(text) <= limit:
        return text
    return text.encode()[: 4 * limit].decode(errors="ignore")
