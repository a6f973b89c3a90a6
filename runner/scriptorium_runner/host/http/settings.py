"""What the platform says of the requests of scripts; `scriptorium_runner.settings` reads it."""

from scriptorium_api.address_ranges import Network
from scriptorium_api.values import frozen


@frozen(kw_only=True)
class HttpSettings:
    """The same for all scripts of a runner."""

    private_networks: tuple[Network, ...] = ()
    """`http.privateCIDRs`: private ranges that scripts may reach at hosts that they name in full."""
    denied_networks: tuple[Network, ...] = ()
    """Never reached, whoever asks: the addresses of nodes and of the API server."""
    proxy: str | None = None
    """`http://host:port` through which all that is not private goes, by CONNECT."""
    proxy_resolves: bool = False
    """Whether the proxy is given names, and so has to guard addresses itself."""
    ca_bundle: str | None = None
    """PEM certificates of authorities that are trusted besides the system's."""
    max_request_bytes: int = 1024 * 1024
    max_response_bytes: int = 2 * 1024 * 1024
    """What a body may hold, also after it was unpacked."""
    connect_seconds: float = 10.0
    """How long lookup, connection and TLS may take, for one address."""
    request_seconds: float = 30.0
    """How long a request may take, redirects and body included, where the script says nothing."""
