"""Structured logs: an event is a constant `noun.verb`, and its facts are keys with units.

Writes console lines on a terminal, JSON lines elsewhere, from a thread of its own: whoever reads
the log may pause, and nobody waits for that. Never log prompts, answers or keys.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from multiprocessing.util import Finalize
from typing import Any, ClassVar, TextIO, cast

import msgspec
import structlog

from shared.settings import FunctionSettings, LogSettings, load_settings

MOST_WAITING = 10_000
"""Lines that wait for a reader who has paused; some 4 MB, and what comes then is dropped."""

_MAX_CHARS = 32_000
_AT_ONCE = 200
_FLUSH_S = 1.0

# C0 but line feed and tab, DEL, C1, and what turns the direction of a text round.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escaped(text: str, *, keeps_lines: bool = False) -> str:
    """The text as a terminal may be shown it: control characters as `\\x1b`, line feeds too unless
    it `keeps_lines`.
    """
    shown = _CONTROLS.sub(_as_escape, text)
    return shown if keeps_lines else shown.replace("\n", "\\n")


def _as_escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class LineWriter:
    """A text stream whose `write` returns at once; a thread writes to `out`, in order.

    What finds MOST_WAITING lines before it is dropped and counted; the count is written once there
    is room again.
    """

    def __init__(
        self, out: TextIO, tell_dropped: Callable[[int], str], *, may_freeze: bool = False
    ) -> None:
        """`tell_dropped` makes a line of how many were. `may_freeze`: the process may be frozen
        once it has answered, and the thread with it, so `write` waits for the line: 1 s at most,
        and not at all while the reader takes none.
        """
        self._out = out
        self._tell_dropped = tell_dropped
        self._may_freeze = may_freeze
        self._is_taken = True
        self._dropped = 0
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """A child of fork has no thread, and what waited is its parent's to write."""
        # Not a lock of our own: a handler of signals may log while it is held.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        if self._lines.qsize() >= MOST_WAITING:
            self._dropped += 1
            _Lines.count_dropped(1)
            return
        self._lines.put(text[:_MAX_CHARS])
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        if self._may_freeze and self._is_taken:
            self._is_taken = self.flush(_FLUSH_S)

    def flush(self, within_s: float = 0.0) -> bool:
        """Wait until what is there now is written, `within_s` at most; whether it is."""
        if not within_s or self._thread is None:
            return False
        done = threading.Event()
        self._lines.put(done)
        return done.wait(within_s)

    def _run(self) -> None:
        while True:
            some = [self._lines.get()]
            while len(some) < _AT_ONCE and not self._lines.empty():
                some.append(self._lines.get())
            texts = [one for one in some if isinstance(one, str)]
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                texts.append(self._tell_dropped(dropped))
            try:
                self._put("".join(texts))
            except (OSError, ValueError):
                # Whoever read it is gone: there is nowhere to say so.
                _Lines.count_dropped(len(texts))
            self._is_taken = True
            for one in some:
                if isinstance(one, threading.Event):
                    one.set()

    def _put(self, text: str) -> None:
        if self._out is not sys.__stderr__:
            self._out.write(text)
            self._out.flush()
            return
        # Past the buffer, whose lock Python wants at its end: it aborts where a thread that waits
        # for the reader holds it.
        data = text.encode(errors="backslashreplace")
        while data:
            data = data[os.write(self._out.fileno(), data) :]


def configure_logging(settings: LogSettings) -> None:
    """Set up structlog, and route the standard library's loggers (uvicorn, dramatiq) through it."""
    console = settings.format == "console" or (settings.format is None and sys.stderr.isatty())
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=_escaped_traceback)
        if console
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    tail = (
        [_escape_facts, renderer] if console else [structlog.processors.format_exc_info, renderer]
    )
    _Lines.out = out = LineWriter(
        sys.stderr,
        _console_dropped if console else _json_dropped,
        may_freeze=load_settings(FunctionSettings)[FunctionSettings].lambda_name is not None,
    )
    # The processes that a worker forks end without what atexit holds.
    Finalize(None, flush_log, exitpriority=0)
    structlog.configure(
        processors=[*common, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        # Text, not bytes: Dramatiq gives its workers a stderr without a byte stream.
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, out)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast(TextIO, out))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *tail,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    _Lines.are_json = not console
    _Lines.are_wanted = root.isEnabledFor(logging.INFO)


def flush_log() -> None:
    """Before a process ends itself by os._exit: wait for its last lines, 1 s at most."""
    if _Lines.out is not None:
        _Lines.out.flush(_FLUSH_S)


def get_logger() -> structlog.typing.FilteringBoundLogger:
    return structlog.get_logger()


def one_line(error: BaseException) -> str:
    """The error's class and first line. Only for errors that quote nothing of a caller's."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


class Outages:
    """Keeps repeated failures out of the log: a step that keeps being retried is worth a line when
    it starts to fail, when the reason changes, and when it succeeds again.
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def begins(self, step: str = "", reason: str = "") -> bool:
        """Note that the step failed; true if that should be logged."""
        is_news = self._reasons.get(step) != reason
        self._reasons[step] = reason
        return is_news

    def ends(self, step: str = "") -> bool:
        """Note that the step succeeded; true if that should be logged."""
        return self._reasons.pop(step, None) is not None

    def reason(self, step: str = "") -> str | None:
        """Why the step is failing, or None."""
        return self._reasons.get(step)

    def __contains__(self, step: str) -> bool:
        return step in self._reasons

    def __iter__(self) -> Iterator[str]:
        """The steps that are failing."""
        return iter(self._reasons)


class Line(msgspec.Struct, kw_only=True):
    """Subclass it for an event that is logged so often that its keys are fixed in advance."""

    event: str
    level: str = "info"
    timestamp: str


class _Lines:
    """What configure_logging decided, for log_lines, and who counts lines that are dropped."""

    are_json: ClassVar[bool] = True
    are_wanted: ClassVar[bool] = True
    out: ClassVar[LineWriter | None] = None
    count_dropped: ClassVar[Callable[[int], object]] = int


def on_dropped_lines(count: Callable[[int], object]) -> None:
    """Call `count` with the number of lines that nobody will read, from any thread."""
    _Lines.count_dropped = staticmethod(count)


def log_lines(lines: Sequence[Line]) -> None:
    """Log many events in one write, in a tenth of the time that a logger takes for each."""
    if not _Lines.are_wanted or not lines:
        return
    if _Lines.are_json and _Lines.out is not None:
        for line in lines:
            _Lines.out.write(_safe_json(msgspec.json.encode(line)) + "\n")
        return
    for line in lines:
        facts = msgspec.structs.asdict(line)
        del facts["level"], facts["timestamp"]
        get_logger().info(facts.pop("event"), **facts)


def _to_json(event: dict[str, Any], **_: Any) -> str:
    return _safe_json(msgspec.json.encode(event, enc_hook=str))


def _safe_json(line: bytes) -> str:
    """JSON escapes what is below a blank; DEL and C1 move a terminal's cursor as well."""
    text = line.decode()
    return text if text.isascii() and "\x7f" not in text else _CONTROLS.sub(_as_json_escape, text)


def _as_json_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _escape_facts(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Texts of callers and providers are among them; others are shown by their repr."""
    return {
        name: escaped(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _escaped_traceback(out: TextIO, exc_info: Any) -> None:
    # The default would print every frame's variables, including keys and tokens.
    traceback = StringIO()
    structlog.dev.plain_traceback(traceback, exc_info)
    out.write(escaped(traceback.getvalue(), keeps_lines=True))


def _json_dropped(lines: int) -> str:
    return f'{{"event":"log.lines_dropped","level":"warning","lines":{lines}}}\n'


def _console_dropped(lines: int) -> str:
    return f"[warning  ] log.lines_dropped lines={lines}\n"
