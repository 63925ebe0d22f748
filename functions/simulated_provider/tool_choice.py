"""Which functions a simulated answer calls."""

from __future__ import annotations

from collections.abc import Sequence

from functions.simulated_provider.request import ChatRequest, ToolChoice, ToolFunction


def functions_to_call(request: ChatRequest) -> tuple[ToolFunction, ...]:
    """Those that the request asks for: by `tool_choice`, or in words.

    The one that `tool_choice` names. Else, where the last message is a user's: the first function
    when it says "call tool", the first and the last at once when it says "call two tools". Else,
    where a call is required, the first that the conversation has not called yet, so that an agent
    whose last tool ends it gets there; the last one after that. Else none: an agent that sent a
    tool's result must get an answer, not a loop.
    """
    functions = request.functions()
    mode, offered = _mode(request.tool_choice), list(functions.values())
    choice = request.tool_choice
    if isinstance(choice, ToolChoice):
        if choice.function is not None:
            return (functions[choice.function.name],)
        if choice.allowed_tools is not None:
            names = {one.function.name for one in choice.allowed_tools.tools if one.function}
            offered = [one for one in offered if one.name in names]
    if mode == "none" or not offered:
        return ()
    wanted = _in_words(request, offered)
    if not wanted and mode == "required":
        wanted = (_next(request, offered),)
    return wanted[:1] if request.parallel_tool_calls is False else wanted


def _mode(choice: str | ToolChoice | None) -> str:
    if isinstance(choice, ToolChoice):
        return "auto" if choice.allowed_tools is None else choice.allowed_tools.mode
    return choice or "auto"


def _in_words(request: ChatRequest, offered: Sequence[ToolFunction]) -> tuple[ToolFunction, ...]:
    last = request.messages[-1]
    if last.role != "user":
        return ()
    said = last.text().lower()
    if "call two tools" in said:
        return offered[0], offered[-1]
    return (offered[0],) if "call tool" in said else ()


def _next(request: ChatRequest, offered: Sequence[ToolFunction]) -> ToolFunction:
    called = {
        one.function.name
        for message in request.messages
        for one in message.tool_calls or ()
        if one.function is not None
    }
    return next((one for one in offered if one.name not in called), offered[-1])
