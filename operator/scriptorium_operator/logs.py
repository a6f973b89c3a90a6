"""What the operator logs: what its own services tell, and of kopf only what went wrong."""

import logging

from scriptorium_api.logs import set_up_logs


def configure() -> None:
    """Send all logs to standard output as JSON lines."""
    set_up_logs()
    # kopf tells of every handler's success; what matters is told by our own services.
    logging.getLogger("kopf").setLevel(logging.WARNING)
