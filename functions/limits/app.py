"""Deploy limits alone: `uvicorn functions.limits.app:app`."""

from functions.limits.function import LIMITS
from shared.function import create_app

app = create_app(LIMITS)
