"""What each script reads and says: where the gateway is, and what passed."""

import os

URL, TOKEN = os.environ["GATEWAY_URL"], os.environ["GATEWAY_TOKEN"]


def passed(what: str) -> None:
    print("passed:", what, flush=True)
