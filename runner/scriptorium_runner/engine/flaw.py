"""What is wrong with a program before any JavaScript sees it. Pure."""

import re

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import positions
from scriptorium_runner.engine.result import Verdict
from scriptorium_runner.engine.values import Program, ScriptError

#: What cannot be handed to the engine as text: NUL would end it, a lone surrogate is no character.
_UNFIT = re.compile("[\0\ud800-\udfff]")


def find_flaw(program: Program) -> Verdict | None:
    """Find the reason why a program cannot be run at all."""
    if unfit := _UNFIT.search(program.source):
        return _refuse_character(program.source, unfit.start())
    if program.entrypoint is not None and not positions.is_function_name(program.entrypoint):
        name = program.entrypoint[:100].encode("utf-8", "replace").decode()
        message = (
            f'entrypoint "{name}" is not a function in this script: it is no name that a function can have'
        )
        return Verdict(reason=Reason.SCRIPT_ERROR, error=ScriptError(name="TypeError", message=message))
    return None


def _refuse_character(source: str, index: int) -> Verdict:
    line, column = positions.locate_index(source, index)
    what = "a NUL character" if source[index] == "\0" else "half of a surrogate pair"
    error = ScriptError(name="SyntaxError", message=f"the source holds {what}", line=line, column=column)
    return Verdict(reason=Reason.SYNTAX_ERROR, error=error)
