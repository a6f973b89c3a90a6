"""`http` of scripts: requests to hosts that their manifests name, to addresses that the platform permits.

    requests, headers, targets   what a script asks for, read and checked             pure
    addresses, routes            which addresses may be reached, and on which way      pure
    circuits                     hosts that do not answer are left alone               pure
    responses                    what comes back, within its size
    lookups, breakers, client    the network: one HttpClient a runner
    host                         HttpHost: the calls of one run
    denials                      what was denied, in the log

The road of a request: read once -> pattern of the Script -> circuit -> one lookup -> every address judged ->
connection to a judged address, under the host's name -> answer; and for a redirect all of it again.

The names are imported on first use, because a pod that sees to one run reads the settings before its run, and
needs the rest only if its script asks a host.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scriptorium_runner.host.http.client import HttpClient
    from scriptorium_runner.host.http.denials import Denials
    from scriptorium_runner.host.http.host import Ending, Grant, HttpHost
    from scriptorium_runner.host.http.settings import HttpSettings

__all__ = ["Denials", "Ending", "Grant", "HttpClient", "HttpHost", "HttpSettings"]

_HOMES = {
    "Denials": "denials",
    "Ending": "host",
    "Grant": "host",
    "HttpClient": "client",
    "HttpHost": "host",
    "HttpSettings": "settings",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    # From now on it is found without asking here.
    globals()[name] = found
    return found
