"""Deploy audit alone: `uvicorn functions.audit.app:app`."""

from functions.audit.function import AUDIT
from shared.function import create_app

app = create_app(AUDIT)
