"""`make bench-endpoints`: Endpoints beside other servers, under wrk and vegeta, in the same run."""

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
    command_line,
    constant_rate,
    network,
    open_loop,
    ours,
    outcomes,
    programs,
    report,
    rounds,
    servers,
    vegeta,
    wrk,
)
from bench.endpoints.cases import Case
from bench.endpoints.servers import LeftOut, Program, Server

ANYWHERE = "0.0.0.0"  # noqa: S104 - of a network namespace that nothing leads to.
INGRESS, DIRECT = "through the ingress", "the pool's Service"


def main(options: argparse.Namespace) -> int:
    """Do what was asked for; 1 where nothing of ours could be measured."""
    steps = options.work_steps or calibration.find_steps()
    if options.manifests:
        made = cases.build_manifests(choose_cases(steps, options.upstream), options.host)
        print(yaml.safe_dump_all(made, sort_keys=False), end="")
        return 0
    wrk.ensure()
    generator = find_generator(options)
    is_remote = bool(options.url or options.direct)
    if not (is_remote or options.inside):
        enter_network(steps, generator)
    with contextlib.ExitStack() as stack:
        return run(stack, options, steps, generator)


def run(stack: contextlib.ExitStack, options: argparse.Namespace, steps: int, generator: Path | None) -> int:
    """Start all, measure them and print; what clients wait for first, then what comes on time."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    upstream = options.upstream or (start_upstream(stack, folder) if options.inside else None)
    chosen = choose_cases(steps, upstream)
    print_head(steps, generator)
    found = start_ours(stack, folder, chosen, options)
    mine = [server.name for server in found]
    found += start_peers(stack, folder, chosen, options.without)
    pace = rounds.Pace(options.rounds, options.seconds, options.check_seconds)
    measured = rounds.measure(found, chosen, pace)
    print_all(chosen, [server.name for server in found], mine, measured)
    if generator:
        subjects = mine or [programs.VM]
        rates = constant_rate.choose_rates(outcomes.find_peak(subjects, measured))
        opened = open_loop.measure(generator, found, rates, pace)
        print("\n".join(report.render_open_loop(subjects, opened)))
    return 0 if mine else 1


def find_generator(options: argparse.Namespace) -> Path | None:
    """Build what asks at a constant rate, or print why not; inside, where nothing is had, it is told."""
    if options.inside:
        return Path(options.generator) if options.generator else None
    try:
        if vegeta.NAME in options.without:
            raise LeftOut("by --without")
        return vegeta.ensure()
    except LeftOut as error:
        print(f"left out: {vegeta.NAME}, and with it the open loop: {error}", flush=True)
        return None


def enter_network(steps: int, generator: Path | None) -> None:
    """Begin anew in a network of our own; go on without scripts that wait where there can be none."""
    found = ["--inside", f"--work-steps={steps}", *([f"--generator={generator}"] if generator else [])]
    try:
        network.enter(network.find_way(), [*sys.argv[1:], *found])
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


def print_head(steps: int, generator: Path | None) -> None:
    """Print what is measured where, and by what."""
    for line in report.render_machine(read_versions(generator)):
        print(line)
    seconds = calibration.time_work(steps)
    print(
        f"the script that computes has {steps} steps: {seconds * 1000:.1f} ms in the bare engine", flush=True
    )


def read_versions(generator: Path | None) -> list[tuple[str, str]]:
    """Give the versions of all that takes part."""
    found = [("wrk", wrk.read_version()), ("Python", platform.python_version())]
    found += [(vegeta.NAME, vegeta.read_version())] if generator else []
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


if __name__ == "__main__":
    # So that what was started is ended then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(command_line.read()))
