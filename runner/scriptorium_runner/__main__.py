"""`scriptorium-runner pool`, `scriptorium-runner run` and `scriptorium dev`."""

import argparse
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the arguments name."""
    options = _parser().parse_args(arguments)
    sys.exit(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scriptorium", description="JavaScript as Kubernetes resources.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    pool = commands.add_parser(
        "pool", help="take the executions of a namespace (runs in the operator's pods)"
    )
    pool.set_defaults(run=_run_pool)
    run = commands.add_parser("run", help="take one execution and end with it (runs in a Job's pod)")
    run.set_defaults(run=_run_one)
    dev = commands.add_parser("dev", help="run the manifests of files and folders on this machine")
    dev.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a manifest or a folder of them")
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
        "--insecure-no-seal",
        action="store_true",
        help="run scripts in processes that are not sealed, on a machine that cannot seal them",
    )
    dev.set_defaults(run=_run_dev)
    return parser


def _read_workers(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 100:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to 100")


def _run_pool(_options: argparse.Namespace) -> int:
    # Each command imports only what it needs.
    from scriptorium_runner import pool, settings  # noqa: PLC0415

    return _run_in_pod(settings.read_pool_settings, pool.run_pool)


def _run_one(_options: argparse.Namespace) -> int:
    # Each command imports only what it needs.
    from scriptorium_runner import run, settings  # noqa: PLC0415

    return _run_in_pod(settings.read_run_settings, run.run_one)


def _run_in_pod(read: Callable[[], T], run: Callable[[T], Coroutine[None, None, int]]) -> int:
    """Run what the pod's environment asks for.

    A setting that makes no sense and a sandbox that does not come about are told in the log and in the pod's
    status, and end it with 2.
    """
    # Each command imports only what it needs.
    import asyncio  # noqa: PLC0415
    import logging  # noqa: PLC0415

    from scriptorium_api import logs  # noqa: PLC0415
    from scriptorium_runner import engine, last_words, settings  # noqa: PLC0415

    logs.set_up_logs()
    try:
        return asyncio.run(run(read()))
    except settings.SettingError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the answer to whoever started it.
        problem = str(error)
    except engine.EngineStartFailed as error:
        what = "sealed" if isinstance(error, engine.SealMissing) else "started"
        logging.getLogger(__name__).error(f"sandbox not {what}", extra={"error": str(error)})
        problem = str(error)
    last_words.leave(problem, settings.read_termination_log())
    return 2


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
    except settings.SettingError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the answer to whoever started it.
        return 2
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
            )
        )
    )


if __name__ == "__main__":
    main()
