"""The commands with their options."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from scriptorium_runner import imports, in_pod
from scriptorium_runner.errors import SettingError

#: A thousand slots may be five years apart, and the calendar ends with 9999.
_FIRST_YEAR, _LAST_YEAR = 1970, 3000


def run(arguments: list[str]) -> int:
    """Run the command that the arguments name; gives the exit code."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scriptorium", description="JavaScript as Kubernetes resources.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    pool = commands.add_parser(
        "pool", help="take the executions of a namespace (runs in the operator's pods)"
    )
    pool.set_defaults(run=lambda _options: in_pod.run_pool())
    one = commands.add_parser("run", help="take one execution and end with it (runs in a Job's pod)")
    one.set_defaults(run=lambda _options: in_pod.take_one())
    dev = commands.add_parser("dev", help="run the manifests of files and folders on this machine")
    _add_paths(dev)
    dev.add_argument(
        "--once",
        action="store_true",
        help="end when every run has ended; exit 1 if one failed, 2 for bad manifests",
    )
    dev.add_argument(
        "--output",
        choices=["table", "json"],
        default="table",
        help="json: one finished ScriptExecution a line",
    )
    dev.add_argument("--state", type=Path, default=Path(".scriptorium"), help="folder of the history")
    dev.add_argument("--workers", type=_read_workers, default=4, metavar="N", help="runs at once, 1 to 100")
    dev.add_argument(
        "--port",
        type=_read_port,
        default=8080,
        metavar="PORT",
        help="where Endpoints answer, on 127.0.0.1 (default 8080; 0: any that is free)",
    )
    dev.add_argument(
        "--insecure-no-seal",
        action="store_true",
        help="run scripts in processes that are not sealed, on a machine that cannot seal them",
    )
    dev.set_defaults(run=_run_dev)
    _add_next(commands)
    return parser


def _add_next(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    upcoming = commands.add_parser(
        "next",
        help="print when CronScripts fire next",
        description="Print when the CronScripts of files and folders fire next: a line each, with the offset"
        " of the schedule's time zone. Exits with 2 for a bad manifest or schedule.",
    )
    _add_paths(upcoming)
    upcoming.add_argument(
        "--at",
        type=_read_moment,
        metavar="TIME",
        help="the times after this moment instead of now, such as 2026-10-24T12:00:00+02:00",
    )
    upcoming.add_argument(
        "--count",
        type=_read_count,
        default=10,
        metavar="N",
        help="how many for each CronScript, 1 to 1000 (default 10)",
    )
    upcoming.set_defaults(run=_print_next)


def _add_paths(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a manifest or a folder of them")


def _read_workers(text: str) -> int:
    return _read_number(text, 100)


def _read_port(text: str) -> int:
    return 0 if text == "0" else _read_number(text, 65535)


def _read_count(text: str) -> int:
    return _read_number(text, 1000)


def _read_number(text: str, most: int) -> int:
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to {most}")


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 2026-10-24T12:00:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset; write it as in 2026-10-24T12:00:00+02:00")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise argparse.ArgumentTypeError(f"{text} is not within the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _run_dev(options: argparse.Namespace) -> int:
    # Until the session listens, Ctrl-C ends it as it ends any program: Python's own handler would raise
    # somewhere within an import, and sometimes where nobody hears it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Each command imports only what it needs.
    import asyncio  # noqa: PLC0415

    from scriptorium_runner import settings  # noqa: PLC0415
    from scriptorium_runner.dev import session  # noqa: PLC0415
    from scriptorium_runner.engine import Seal  # noqa: PLC0415

    try:
        required = settings.read_seal()
        http = settings.read_http_settings()
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the answer to whoever started it.
        return 2
    imports.rest_collector()
    return asyncio.run(
        session.run_dev(
            session.DevOptions(
                paths=options.paths,
                is_once=options.once,
                is_json=options.output == "json",
                state=options.state,
                workers=options.workers,
                seal=Seal.NONE if options.insecure_no_seal else required,
                http=http,
                port=options.port,
            )
        )
    )


def _print_next(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Each command imports only what it needs.
    from scriptorium_runner.dev import upcoming  # noqa: PLC0415

    at = options.at or datetime.now(UTC)
    return upcoming.print_next(upcoming.NextOptions(paths=options.paths, at=at, count=options.count))
