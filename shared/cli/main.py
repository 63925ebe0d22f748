"""The `switchyard` command. Loads a subcommand only when it is called, so that help is fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

import click

COMMANDS: Mapping[str, str] = {
    "up": "Run the whole gateway on this machine, database included.",
    "down": "End the running gateway, or what a killed one left.",
    "migrate": "Bring the database up to date with this release.",
    "doctor": "Find problems in the setup, and say how to fix them.",
    "token": "Create, list, revoke and rotate access tokens.",
    "provider": "List, add and test providers; switch them on and off.",
    "model": "List, add and price models; switch them on and off.",
    "alias": "List, add and remove names that stand for other models.",
    "rule": "List, try, add and remove routing rules.",
    "limit": "List, set and remove limits on requests, tokens and spend.",
    "team": "List, add and remove teams, and their members.",
    "user": "List users, show what one has and used, and block one.",
    "route": "Show where a request would go, and why.",
    "key": "Generate, rotate and verify encryption keys.",
    "health": "Show the providers' health, or check it now.",
    "functions": "List what can be deployed, and how to run it.",
    "catalog": "Update models and prices.",
    "apply": "Bring the setup to what a file says.",
    "export": "Write the setup as a file that `apply` takes.",
    "usage": "Show, export, reprice and reconcile usage; resend it to billing.",
    "simulate": "Run the simulated provider alone.",
    "completion": "Print the script that completes commands in a shell.",
}
"""Each command's name, which is also that of its function, with its line of help."""

_MODULES: Mapping[str, str] = {
    "team": "commands.user",
    "apply": "config.commands",
    "export": "config.commands",
}
"""Below shared.cli, where the module is not that of commands which has the command's name."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            module = import_module(f"shared.cli.{_MODULES.get(cmd_name, f'commands.{cmd_name}')}")
        except ModuleNotFoundError as error:
            # A function's image has only the base; the worker's has the extra of the commands too.
            fix = "pip install 'switchyard-gateway[up]'"
            if cmd_name != "up":
                fix = "pip install 'switchyard-gateway[cli]', or run it in the worker's container"
            raise click.ClickException(
                f"`switchyard {cmd_name}` needs {error.name}, which is not installed: {fix}"
            ) from error
        return cast(click.Command, getattr(module, cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them, which click would do to read their help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="switchyard-gateway", prog_name="switchyard")
def switchyard() -> None:
    """Switchyard, a self-hosted, OpenAI-compatible LLM gateway.

    Exit status: 0 success, 1 failure (one line on stderr says why), 2 wrong usage.
    """


def main() -> None:
    """The console script."""
    switchyard(prog_name="switchyard")
