"""`make bench-endpoints`: Endpoints beside other servers, under wrk, in the same run.

Without --url and --direct it starts `scriptorium dev` itself, inside a network of its own, with a server that
scripts wait for. With them it measures what is served there; --manifests prints what has to be applied.
"""

import argparse
import contextlib
import functools
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import yaml

from bench.endpoints import (
    calibration,
    cases,
    network,
    ours,
    outcomes,
    programs,
    report,
    rounds,
    servers,
    wrk,
)
from bench.endpoints.cases import Case
from bench.endpoints.servers import LeftOut, Program, Server

ANYWHERE = "0.0.0.0"  # noqa: S104 - of a network namespace that nothing leads to.
INGRESS, DIRECT = "through the ingress", "the pool's Service"


def main(options: argparse.Namespace) -> int:
    """Measure and print; 1 where nothing of ours could be measured."""
    steps = options.work_steps or calibration.find_steps()
    if options.manifests:
        made = cases.build_manifests(choose_cases(steps, options.upstream), options.host)
        print(yaml.safe_dump_all(made, sort_keys=False), end="")
        return 0
    wrk.ensure()
    is_remote = bool(options.url or options.direct)
    if not (is_remote or options.inside):
        enter_network(steps)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = options.upstream or (start_upstream(stack, folder) if options.inside else None)
        chosen = choose_cases(steps, upstream)
        print_head(steps)
        found = start_ours(stack, folder, chosen, options)
        mine = [server.name for server in found]
        found += start_peers(stack, folder, chosen, options.without)
        pace = rounds.Pace(options.rounds, options.seconds, options.check_seconds)
        measured = rounds.measure(found, chosen, pace)
    print_all(chosen, [server.name for server in found], mine, measured)
    return 0 if mine else 1


def enter_network(steps: int) -> None:
    """Begin anew in a network of our own; go on without scripts that wait where there can be none."""
    try:
        network.enter(network.find_way(), [*sys.argv[1:], "--inside", f"--work-steps={steps}"])
    except LeftOut as error:
        print(f"left out: scripts that wait: {error}")


def choose_cases(steps: int, upstream: str | None) -> list[Case]:
    """Give the cases that can be measured: one needs a server to wait for."""
    return [cases.HELLO, cases.build_work(steps), *([cases.build_wait(upstream)] if upstream else [])]


def start_upstream(stack: contextlib.ExitStack, folder: Path) -> str:
    """Start the server that scripts wait for: at every address of a network in which nobody else is."""
    port = servers.find_free_port()
    command = (sys.executable, "-m", "bench.endpoints.upstream", ANYWHERE, str(port))
    stack.enter_context(servers.run(servers.Program("upstream", command, port), folder))
    return f"http://{network.ADDRESS}:{port}/"


def start_ours(
    stack: contextlib.ExitStack, folder: Path, chosen: Sequence[Case], options: argparse.Namespace
) -> list[Server]:
    """Give what is measured."""
    names = tuple(case.name for case in chosen)
    remote = {INGRESS: options.url, DIRECT: options.direct}
    if options.url or options.direct:
        tellers = tuple(url.rstrip("/") for url in options.metrics)
        return [
            Server(name, url.rstrip("/"), names, host=options.host, tellers=tellers)
            for name, url in remote.items()
            if url
        ]
    return try_to_start(
        stack, folder, lambda: ours.build_dev(folder, list(chosen), options.workers), ours.NAME
    )


def start_peers(
    stack: contextlib.ExitStack, folder: Path, chosen: list[Case], without: Sequence[str]
) -> list[Server]:
    """Start all others, and name each that is left out, with the reason."""
    upstream = next((f"http://{case.reaches}/" for case in chosen if case.reaches), "")
    place = programs.prepare(folder, chosen, upstream)
    found = []
    for name, build in programs.PEERS.items():
        if name in without:
            print(f"left out: {name}: by --without")
        else:
            found += try_to_start(stack, folder, functools.partial(build, place), name)
    return found


def try_to_start(
    stack: contextlib.ExitStack, folder: Path, build: Callable[[], Program], name: str
) -> list[Server]:
    """Start a server; print why not where it cannot be."""
    try:
        return [stack.enter_context(servers.run(build(), folder))]
    except LeftOut as error:
        print(f"left out: {name}: {error}", flush=True)
        return []


def print_head(steps: int) -> None:
    """Print what is measured where, and by what."""
    for line in report.render_machine(read_versions()):
        print(line)
    seconds = calibration.time_work(steps)
    print(
        f"the script that computes has {steps} steps: {seconds * 1000:.1f} ms in the bare engine", flush=True
    )


def read_versions() -> list[tuple[str, str]]:
    """Give the versions of all that takes part."""
    found = [("wrk", wrk.read_version()), ("Python", platform.python_version())]
    found += [(name, metadata.version(name)) for name in ("scriptorium", "aiohttp", "quickjs-ng")]
    return found + [(name, report.read_version(command)) for name, command in programs.find_versions()]


def print_all(chosen: Sequence[Case], names: list[str], mine: list[str], measured: rounds.Measured) -> None:
    """Print the tables, and for each of ours what is required. Without ours, the bar stands in its place."""
    for case in chosen:
        for subject in mine or [programs.VM]:
            print("\n".join(report.render_case(case, names, subject, measured)))
    lines = [
        *report.render_memory(measured),
        *report.render_parts(measured),
        "",
        report.render_checked(measured),
    ]
    for name in mine:
        lines += report.render_verdicts(name, outcomes.judge(name, measured))
    print("\n".join(lines))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each takes its turn (default 3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of each load (default 5)")
    parser.add_argument(
        "--check-seconds", type=int, default=2, help="length of each look at answers (default 2)"
    )
    parser.add_argument(
        "--workers", type=int, default=10, help="of scriptorium dev (default 10, as in a pool)"
    )
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="leave a server out")
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
    options = parser.parse_args()
    if options.upstream and not (options.url or options.direct or options.manifests):
        parser.error("--upstream goes with --url, --direct or --manifests: what is started here has its own")
    return options


if __name__ == "__main__":
    # So that what was started is ended then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(read_options()))
