"""Errors that run a script's code while the engine reads them, once the script itself has ended."""

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine.inside import snapshot

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # See reading.c.
    pytest.mark.skipif(
        not snapshot.Snapshot().is_there, reason="an engine as delivered dies where an error calls out"
    ),
]

#: What reads any error then calls the runner.
CALLS_OUT = "{ console.log('read'); utils.uuid(); return 'text'; }"
PATCHED = f"Error.prototype.toString = function () {CALLS_OUT};"
THROWN = f"{{ toString() {CALLS_OUT}, get stack() {CALLS_OUT} }}"
#: A job that ends with an error of the script's own: of a promise whose resolve function throws.
JOB = f"""
let armed = false;
class Armed extends Promise {{
  constructor(executor) {{
    super(() => {{}});
    executor(() => {{ if (armed) throw {THROWN}; }}, () => {{}});
  }}
}}
const settled = Promise.resolve(1);
Object.defineProperty(settled, "constructor", {{ value: Armed }});
settled.then(() => 2);
armed = true;
for (let i = 0; i < 9; i++) await null;
"""
ENDS = {
    "a loop": (f"{PATCHED} for (;;) {{}}", Reason.TIMEOUT),
    "a loop in a job": (f"{PATCHED} await null; for (;;) {{}}", Reason.TIMEOUT),
    "an error of a job": (JOB, Reason.SCRIPT_ERROR),
    "an error while the source is parsed": (
        f"}}); throw {THROWN}; (async function () {{",
        Reason.SYNTAX_ERROR,
    ),
    "a full heap": (
        f"{PATCHED} const heap = []; for (;;) heap.push(await new Array(1e5).fill(1));",
        Reason.MEMORY_LIMIT,
    ),
}


@pytest.mark.parametrize(("source", "reason"), ENDS.values(), ids=ENDS)
async def test_an_error_that_calls_out_as_it_is_read_ends_as_what_it_is(run, source, reason):
    result = await run(source, owner="caller", timeout_seconds=1)
    assert result.reason is reason
    assert (await run("return utils.uuid().length", owner="caller")).output == {"value": 36}
