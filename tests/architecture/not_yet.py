"""TEMPORARY: what breaks a law of the layout while issue 'One subject, one room' is under way.

To be emptied, and deleted with the lines that read it, before that lands.
"""

NOT_MAPPED_YET = {
    "functions/chat_completions",
    "functions/check_health",
    "functions/clock",
    "functions/deliver_billing",
    "functions/health",
    "functions/models",
    "functions/providers",
    "functions/routing_rules",
    "functions/usage",
    "functions/write_usage",
    "shared",
    "shared/db",
    "shared/db/tables",
    "shared/spool",
    "shared/wire/messages",
}
"""Folders whose README does not name every file yet."""

TOO_LONG_YET = {
    "functions/chat_completions/complete.py",
    "functions/chat_completions/settle.py",
    "functions/clock/jobs.py",
    "shared/cli/usage.py",
}
"""Files that are too long, or have a function that is."""

CIRCLES_YET = [
    [
        "functions.chat_completions.exchange",
        "functions.chat_completions.settle",
        "functions.chat_completions.stream",
    ]
]
