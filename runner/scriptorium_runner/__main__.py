"""`scriptorium-runner pool`, `scriptorium-runner run`, `scriptorium dev` and `scriptorium next`."""

import sys


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the arguments name."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["run"]:
        # Its script waits for each import, those for the options of other commands too.
        from scriptorium_runner import in_pod  # noqa: PLC0415

        sys.exit(in_pod.take_one())
    from scriptorium_runner import commands  # noqa: PLC0415 - see above.

    sys.exit(commands.run(given))


if __name__ == "__main__":
    main()
