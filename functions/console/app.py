"""Deploy the console alone: `uvicorn functions.console.app:app`."""

from functions.console.function import CONSOLE
from shared.function import create_app

app = create_app(CONSOLE)
