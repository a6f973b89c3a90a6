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
"""

from scriptorium_runner.host.http.client import HttpClient
from scriptorium_runner.host.http.denials import Denials
from scriptorium_runner.host.http.host import Ending, Grant, HttpHost
from scriptorium_runner.host.http.settings import HttpSettings

__all__ = ["Denials", "Ending", "Grant", "HttpClient", "HttpHost", "HttpSettings"]
