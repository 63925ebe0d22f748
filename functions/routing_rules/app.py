"""Deploy routing_rules alone: `uvicorn functions.routing_rules.app:app`."""

from functions.routing_rules.function import ROUTING_RULES
from shared.function import create_app

app = create_app(ROUTING_RULES)
