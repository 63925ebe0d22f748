"""The command `switchyard`. Each subcommand is loaded when it is called: help is fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

import click

COMMANDS: Mapping[str, str] = {
    "up": "Run the whole gateway on this machine, with its database.",
    "migrate": "Bring the database to the state this release needs.",
    "doctor": "Say what is missing or wrong, and how to put it right.",
    "token": "Create, list, revoke and rotate access tokens.",
    "route": "Say where a request would go, and why.",
    "key": "Make, rotate and verify encryption keys.",
    "health": "Show the providers' health, or check it now.",
    "functions": "List what can be deployed alone, and how.",
    "catalog": "Bring models and prices of the providers up to date.",
    "usage": "Export usage, price it again, compare it, tell billing again.",
}
"""Each command's name, which is also its module's and function's, with its line of help."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            module = import_module(f"shared.cli.{cmd_name}")
        except ModuleNotFoundError as error:
            # An image of a function has the base alone; the worker's has the extra of the commands.
            fix = "pip install 'switchyard[up]'"
            if cmd_name != "up":
                fix = "pip install 'switchyard[cli]', or run it in the container of the worker"
            raise click.ClickException(
                f"`switchyard {cmd_name}` needs {error.name}, which is not installed here: {fix}"
            ) from error
        return cast(click.Command, getattr(module, cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them, as click would to get their help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="switchyard", prog_name="switchyard")
def switchyard() -> None:
    """Switchyard, a self-hosted, OpenAI-compatible LLM gateway.

    Exit status: 0 done, 1 a problem (one line on stderr says which), 2 wrong usage.
    """


def main() -> None:
    """The console script."""
    switchyard(prog_name="switchyard")
