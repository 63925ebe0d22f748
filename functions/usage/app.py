"""Deploy usage alone: `uvicorn functions.usage.app:app`."""

from functions.usage.function import USAGE
from shared.function import create_app

app = create_app(USAGE)
