"""How a client is set up for this gateway, to copy and paste."""

from __future__ import annotations

from typing import NamedTuple

from litestar import Response, get

from functions.console.browser import own_url
from functions.console.error_pages import ERRORS
from functions.console.pages import Pages
from functions.console.signed_in import signed_in
from shared.auth.guards import AnyRequest, resources_of


class Client(NamedTuple):
    """`text` has `{url}` for the gateway's address, which clients extend by their own path."""

    name: str
    said: str
    text: str


CLIENTS = (
    Client(
        "curl",
        "One request, to see that it works.",
        """curl {url}/v1/chat/completions \\
  -H "Authorization: Bearer $SWITCHYARD_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'""",
    ),
    Client(
        "OpenAI SDK, Python",
        "Any code for OpenAI, with another address.",
        """from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key=os.environ["SWITCHYARD_TOKEN"])
answer = client.chat.completions.create(
    model="balanced",
    messages=[{"role": "user", "content": "Hello"}],
)""",
    ),
    Client(
        "OpenAI SDK, JavaScript",
        "The same from Node, Deno or Bun.",
        """import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "{url}/v1",
  apiKey: process.env.SWITCHYARD_TOKEN,
});
const answer = await client.chat.completions.create({
  model: "balanced",
  messages: [{ role: "user", content: "Hello" }],
});""",
    ),
    Client(
        "Anthropic SDK, Python",
        "The messages door; the address has no /v1 at its end.",
        """from anthropic import Anthropic

client = Anthropic(base_url="{url}", api_key=os.environ["SWITCHYARD_TOKEN"])
answer = client.messages.create(
    model="precision",
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello"}],
)""",
    ),
    Client(
        "Claude Code",
        "In the shell that starts it.",
        """export ANTHROPIC_BASE_URL={url}
export ANTHROPIC_AUTH_TOKEN=$SWITCHYARD_TOKEN
claude""",
    ),
    Client(
        "Codex",
        "In ~/.codex/config.toml.",
        """model = "balanced"
model_provider = "switchyard"

[model_providers.switchyard]
name = "Switchyard"
base_url = "{url}/v1"
env_key = "SWITCHYARD_TOKEN"
wire_api = "responses\"""",
    ),
    Client(
        "Open WebUI, LibreChat, Cursor, Continue",
        "Settings, a connection of the kind OpenAI.",
        """Base URL   {url}/v1
API key    your access token
Model      auto, eco, balanced, precision, or any listed model""",
    ),
)


@get("/connect", include_in_schema=False, guards=[signed_in()], exception_handlers=ERRORS)
async def show_connect(request: AnyRequest) -> Response[str]:
    """Each client's set-up with this gateway's address; the token is the reader's to put in."""
    pages = resources_of(request).get(Pages)
    url = own_url(request, pages.settings.public_url)
    shown = [one._replace(text=one.text.replace("{url}", url)) for one in CLIENTS]
    return pages.page(request, "connect.html", clients=shown, url=url)
