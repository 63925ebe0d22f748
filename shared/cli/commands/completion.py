"""`switchyard completion`: the script that completes its commands in a shell."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

_SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command(short_help="Print the script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """Print the script that completes `switchyard` in SHELL.

    \b
    bash, in ~/.bashrc: eval "$(switchyard completion bash)"
    zsh, in ~/.zshrc:   eval "$(switchyard completion zsh)"
    fish, once:         switchyard completion fish \\
                          > ~/.config/fish/completions/switchyard.fish
    """
    command = click.get_current_context().find_root().command
    click.echo(_SHELLS[shell](command, {}, "switchyard", "_SWITCHYARD_COMPLETE").source())
