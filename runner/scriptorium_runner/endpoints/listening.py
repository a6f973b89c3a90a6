"""How the port where requests come in is served."""

from dataclasses import field

from scriptorium_api.address_ranges import Network
from scriptorium_api.values import frozen


@frozen
class Patience:
    """How long callers are waited for, in seconds."""

    head: float = 10.0
    """From the first byte of a head, or of a connection, to the end of the head."""
    stall: float = 10.0
    """For the next bytes of a body."""
    body: float = 60.0
    """For all of a body."""
    idle: float = 620.0
    """For the next request on a connection; proxies that keep one for longer would find it closed."""


@frozen(kw_only=True)
class PublicSettings:
    """How the port is served."""

    port: int
    host: str | None = None
    """Where to listen; everywhere if None."""
    proxies: tuple[Network, ...] = ()
    """Whose word is believed on who called."""
    most_connections: int = 2048
    """For one more the oldest on which nothing is asked ends."""
    patience: Patience = field(default_factory=Patience)
