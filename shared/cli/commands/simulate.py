"""`switchyard simulate`: the simulated provider by itself, for whatever speaks to a provider."""

from __future__ import annotations

import click

from shared.cli.failures import failing_in_one_line
from shared.cli.running.port import require_free_port


@click.command(short_help="Run the simulated provider alone.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8085, show_default=True)
@failing_in_one_line()
def simulate(host: str, port: int) -> None:
    """Run OpenAI's and Anthropic's APIs with no model behind them.

    Any key is accepted, and every answer says that it is simulated.

    \b
    switchyard simulate --port 9000
    curl http://127.0.0.1:9000/v1/chat/completions \\
      -H 'Authorization: Bearer any' -H 'Content-Type: application/json' \\
      -d '{"model":"gpt-5","messages":[{"role":"user","content":"Hello"}]}'
    """
    import uvicorn  # noqa: PLC0415  the help need not wait for it

    require_free_port(port)
    url = f"http://{host}:{port}"
    click.echo(f"OpenAI's API: {url}/v1, Anthropic's: {url}/anthropic  (Ctrl-C to stop)", err=True)
    uvicorn.run(
        "functions.simulated_provider.app:app",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
