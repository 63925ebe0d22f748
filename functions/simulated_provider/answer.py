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
MOST_PIECES = 64
_ECHOED_CHARACTERS = 80
_TOKENS_A_MESSAGE = 4
_WORD = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the content, or the arguments of each call where `tools` names functions.

    A stream sends one of its `pieces` an event.
    """

    pieces: tuple[str, ...]
    tools: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def answer(request: ChatRequest) -> Answer:
    """A tool call where the request asks for one, else a sentence that echoes its last words."""
    tools = _tools_to_call(request)
    return saying(TOOL_ARGUMENTS if tools else text_for(request), request, tools)


def saying(text: str, request: ChatRequest, tools: tuple[str, ...] = ()) -> Answer:
    """`text` as the answer: shortened to the request's limit, counted, in at most 64 pieces."""
    sent = _shorten(text, request.limit())
    complete = "tool_calls" if tools else "stop"
    return Answer(
        pieces=pieces(sent, MOST_PIECES),
        tools=tools,
        finish_reason="length" if len(sent) < len(text) else complete,
        prompt_tokens=sum(tokens(one.text()) + _TOKENS_A_MESSAGE for one in request.messages),
        completion_tokens=tokens(sent) * max(1, len(tools)),
    )


def text_for(request: ChatRequest) -> str:
    """That no model was called, and up to 80 characters of what the user said last."""
    for message in reversed(request.messages):
        if message.role == "user":
            # A slice first: a prompt may be megabytes, and only its beginning is echoed.
            said = " ".join(message.text()[: 4 * _ECHOED_CHARACTERS].split())
            echo = said[:_ECHOED_CHARACTERS].rstrip()
            if echo:
                return f"{OPENING} You asked: {echo}{'…' if len(said) > len(echo) else ''}"
            break
    return OPENING


def pieces(text: str, most: int) -> tuple[str, ...]:
    """The text, a word a piece, or several words a piece when there are more than `most`."""
    words = _WORD.findall(text)
    count = len(words)
    if count <= most:
        return tuple(words)
    return tuple("".join(words[i * count // most : (i + 1) * count // most]) for i in range(most))


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


def _shorten(text: str, limit: int | None) -> str:
    """At most `limit` tokens of the text; a character is never split."""
    if limit is None or tokens(text) <= limit:
        return text
    return text.encode()[: 4 * limit].decode(errors="ignore")
