"""All HTTP functions in one app: what the Procfile's web runs."""

from functions.access_tokens.function import ACCESS_TOKENS
from functions.audit.function import AUDIT
from functions.byok_keys.function import BYOK_KEYS
from functions.chat_completions.function import CHAT_COMPLETIONS
from functions.console.function import CONSOLE
from functions.embeddings.function import EMBEDDINGS
from functions.health.function import HEALTH
from functions.limits.function import LIMITS
from functions.messages.function import MESSAGES
from functions.models.function import MODELS
from functions.providers.function import PROVIDERS
from functions.responses.function import RESPONSES
from functions.routing_rules.function import ROUTING_RULES
from functions.system_keys.function import SYSTEM_KEYS
from functions.usage.function import USAGE
from shared.function import create_app

app = create_app(
    CHAT_COMPLETIONS,
    MESSAGES,
    RESPONSES,
    EMBEDDINGS,
    BYOK_KEYS,
    SYSTEM_KEYS,
    ACCESS_TOKENS,
    AUDIT,
    LIMITS,
    MODELS,
    PROVIDERS,
    ROUTING_RULES,
    USAGE,
    HEALTH,
    CONSOLE,
)
