"""`scriptorium next`: prints when the CronScripts of some files fire next."""

from datetime import datetime
from pathlib import Path

from scriptorium_api.values import frozen
from scriptorium_runner.dev import ending, forecast, shelf, trouble
from scriptorium_runner.dev.screen import Screen, ScreenError
from scriptorium_runner.dev.shelf import Shelf


@frozen(kw_only=True)
class NextOptions:
    """What the command line says."""

    paths: list[Path]
    at: datetime
    count: int


def print_next(options: NextOptions) -> int:
    """Print the next slots, a line each, and what is wrong with the files; give the exit code."""
    screen = Screen(is_json=False)
    try:
        return _print(options, screen)
    except ScreenError as error:
        return trouble.tell_trouble(screen, error)


def _print(options: NextOptions, screen: Screen) -> int:
    if absent := shelf.find_absent(options.paths):
        screen.complain(f"{absent}: no such file or folder")
        return ending.TROUBLE
    files = Shelf(options.paths)
    loaded = files.load(files.look())
    told = forecast.forecast(loaded, options.at, options.count)
    for problem in loaded.problems:
        screen.complain(problem)
    for line in told.lines:
        screen.print(line)
    for note in told.notes:
        screen.note(note)
    return ending.TROUBLE if loaded.problems else ending.SUCCESS
