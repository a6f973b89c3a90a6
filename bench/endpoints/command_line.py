"""What can be said on the command line of `python -m bench.endpoints`."""

import argparse

_ABOUT = """`make bench-endpoints`: Endpoints beside other servers, under wrk and vegeta, in the same run.

Without --url and --direct it starts `scriptorium dev` itself, inside a network of its own, with a server that
scripts wait for. With them it measures what is served there; --manifests prints what has to be applied.
"""


def read() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=_ABOUT, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each takes its turn (default 3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each load (default 5)")
    parser.add_argument(
        "--check-seconds", type=int, default=2, help="length of each look at answers (default 2)"
    )
    parser.add_argument(
        "--workers", type=int, default=10, help="of scriptorium dev (default 10, as in a pool)"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="NAME", help="leave out a server, or vegeta"
    )
    parser.add_argument("--url", help="where an ingress controller serves the Endpoints")
    parser.add_argument("--host", help="the Endpoints' host, where the URL has an address instead")
    parser.add_argument("--direct", metavar="URL", help="where the pool's Service serves them")
    parser.add_argument(
        "--metrics",
        action="append",
        default=[],
        metavar="URL",
        help="where a runner of the pool has /metrics",
    )
    parser.add_argument("--upstream", metavar="URL", help="a server that answers 'waited' after 100 ms")
    parser.add_argument(
        "--work-steps", type=int, metavar="N", help="of the script that computes; else 10 ms of them"
    )
    parser.add_argument(
        "--manifests", action="store_true", help="print what --url and --direct need, and end"
    )
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--generator", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.upstream and not (options.url or options.direct or options.manifests):
        parser.error("--upstream goes with --url, --direct or --manifests: what is started here has its own")
    return options
