"""The commands of the test cluster: binaries, up, down, load, base-image, engine, selftest."""

import argparse
import sys

from tests.cluster import base_image, engine, kind, programs, progress, selftest, ways
from tests.cluster.errors import ClusterError


def main(arguments: list[str]) -> int:
    """Run one command; an error we know is a sentence, not a traceback."""
    options = parse(arguments)
    try:
        run(options)
    except ClusterError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    binaries = commands.add_parser("binaries", help="build the Go programs, or find them in the cache")
    binaries.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("up", help="bring up a Ready cluster")
    commands.add_parser("down", help="take it down, or what is left of one")
    load = commands.add_parser("load", help="put an image on the node")
    load.add_argument("image", help="its name, or the path of an OCI archive")
    commands.add_parser("base-image", help="make the image that others are built on without a registry")
    commands.add_parser("engine", help="compile the image's JavaScript engine, or find it in the cache")
    commands.add_parser("selftest", help="take the bare cluster through its whole life, twice")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Run the command that was named."""
    if options.command == "binaries" and not options.names and ways.choose() is kind:
        progress.say("kind brings its own programs; nothing to build.")
    elif options.command == "binaries":
        programs.ensure(options.names or list(programs.PROGRAMS))
        progress.say(str(programs.folder()))
    elif options.command == "load":
        ways.choose().load(options.image)
    elif options.command == "base-image":
        base_image.ensure()
    elif options.command == "engine":
        engine.ensure()
    elif options.command == "selftest":
        selftest.run()
    else:
        way = ways.choose()
        {"up": way.up, "down": way.down}[options.command]()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
