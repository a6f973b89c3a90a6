"""What others do with the same small script: the bare engine, and node with a fresh vm context."""

import json
import shutil
import subprocess
import time

from bench.figures import Figures, summarize
from scriptorium_runner.engine.inside import native

_NODE = """
const vm = require('vm');
const latencies = [];
const started = performance.now();
for (let i = 0; i < COUNT; i++) {
  const begun = performance.now();
  const context = vm.createContext({input: {a: 1, b: 2}});
  vm.runInContext('(function () { ' + SOURCE + ' })()', context, {timeout: 1000});
  latencies.push((performance.now() - begun) / 1000);
}
console.log(JSON.stringify([latencies, (performance.now() - started) / 1000]));
"""


def measure_bare_engine(source: str, count: int) -> Figures:
    """Run a script in a fresh context of this process: no prelude, no limits, nothing between."""
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        context = native.Context()
        answer = context.eval(f"const input = {{a: 1, b: 2}}; JSON.stringify((() => {{ {source} }})())")
        latencies.append(time.perf_counter() - begun)
        assert answer == '{"sum":3}'
    return summarize(latencies, time.perf_counter() - started)


def measure_node(source: str, count: int) -> Figures | None:
    """Run a script in a fresh vm context of one node process; None where there is no node."""
    if (node := shutil.which("node")) is None:
        return None
    program = _NODE.replace("COUNT", str(count)).replace("SOURCE", json.dumps(source))
    run = subprocess.run([node, "-e", program], capture_output=True, check=True, text=True)
    latencies, elapsed = json.loads(run.stdout)
    return summarize(latencies, elapsed)
