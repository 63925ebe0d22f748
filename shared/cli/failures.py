"""How a command fails: with one line on stderr and status 1, never with a traceback."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import click
import msgspec
import psycopg

from shared.errors import SwitchyardError
from shared.settings import SettingsInvalid

T = TypeVar("T")


class CommandFailed(click.ClickException):
    """The command failed; the message is one line that says what went wrong and what to do."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"switchyard: {self.format_message()}", err=True, file=file)


@contextmanager
def failing_in_one_line() -> Generator[None]:
    """Turn expected errors into CommandFailed; also usable as a decorator.

    Anything else is a bug of ours and keeps its traceback.
    """
    try:
        yield
    except (SettingsInvalid, SwitchyardError) as error:
        raise CommandFailed(one_line(error)) from error
    except psycopg.errors.UndefinedTable as error:
        raise CommandFailed(
            "the database has no Switchyard tables; run `switchyard migrate` first"
        ) from error
    except psycopg.OperationalError as error:
        raise CommandFailed(f"PostgreSQL: {one_line(error)}") from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandFailed(f"{where}{error.strerror or one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """The error's message without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def converted(fields: dict[str, Any], kind: type[T]) -> T:
    """What a service takes, from a command's options. Raises CommandFailed, naming the field."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise CommandFailed(one_line(error)) from error
