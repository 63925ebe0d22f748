"""All HTTP functions in one app: what the Procfile's web runs."""

from functions.chat_completions.function import CHAT_COMPLETIONS
from functions.health.function import HEALTH
from functions.models.function import MODELS
from functions.providers.function import PROVIDERS
from functions.usage.function import USAGE
from shared.function import create_app

app = create_app(CHAT_COMPLETIONS, MODELS, PROVIDERS, USAGE, HEALTH)
