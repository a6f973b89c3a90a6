"""What `scriptorium-runner run` does before its first request: a run waits for each import of its pod."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scriptorium_api
import scriptorium_runner
from scriptorium_runner.engine.inside import native

#: Nothing of this is for a pod that sees to one run: it is of others, or few runs need it.
FOREIGN = {
    "aiohttp",
    "argparse",
    "concurrent.futures.thread",
    "cryptography",
    "difflib",
    "encodings.gb18030",
    "importlib.metadata",
    "kopf",
    "prometheus_client",
    "scriptorium_api.crds",
    "scriptorium_api.cron_runs",
    "scriptorium_api.cron_script",
    "scriptorium_api.descriptions",
    "scriptorium_api.endpoints.endpoint",
    "scriptorium_api.runner_pool",
    "scriptorium_api.schedule",
    "scriptorium_api.slots",
    "scriptorium_runner.commands",
    "scriptorium_runner.dev",
    "scriptorium_runner.endpoints",
    "scriptorium_runner.executions.dispatcher",
    "scriptorium_runner.executions.outside",
    "scriptorium_runner.history",
    "scriptorium_runner.host.http.client",
    "scriptorium_runner.host.http.host",
    "scriptorium_runner.metrics",
    "scriptorium_runner.own_pod.one_slot",
    "scriptorium_runner.pool",
    "scriptorium_runner.pool_settings",
    "scriptorium_runner.schedules",
    "scriptorium_runner.sources.calendar",
    "sqlite3",
    "tempfile",
    "yaml",
}

#: Nothing of this is for a process that runs scripts, and all are forks of one that waits for each import.
UNUSED = {"asyncio", "ipaddress", "logging", "pathlib", "platform", "pydantic", "subprocess", "urllib.parse"}

IMPORT = """
import asyncio, gc, json, sys
from scriptorium_runner import __main__
from scriptorium_runner import run
from scriptorium_runner.own_pod import parts
parts.leave_out_plugins()
asyncio.run(parts.import_parts(*parts.TO_READ, *parts.TO_RUN))
from scriptorium_api.execution import ScriptExecution
has_model = ScriptExecution.__pydantic_complete__
asyncio.run(parts.build_models())
print(json.dumps({
    "modules": list(sys.modules),
    "has_model": has_model,
    "collects": gc.isenabled(),
    "frozen": gc.get_freeze_count(),
}))
"""

ATTEMPT = """
import asyncio, sys
from scriptorium_runner import __main__
from scriptorium_runner import run
from scriptorium_runner.own_pod import parts
parts.leave_out_plugins()
asyncio.run(parts.import_parts(*parts.TO_READ, *parts.TO_RUN))
known = {*sys.modules}
from scriptorium_runner import settings
from scriptorium_runner.own_pod import running, work
print([each for each in sys.modules if each not in known and each.startswith("scriptorium")])
"""

SLOT = """
import asyncio, sys
from scriptorium_runner import __main__
from scriptorium_runner import run
from scriptorium_runner.own_pod import parts
parts.leave_out_plugins()
asyncio.run(parts.import_parts(*parts.TO_READ, *parts.TO_JUDGE))
known = {*sys.modules}
from scriptorium_runner import settings
from scriptorium_runner.own_pod import work
work._build_slot(None, "team", settings.SlotWork("nightly", "uid", "job"), None)
foreign = {"scriptorium_runner.engine.executor", "scriptorium_runner.executions.handling"}
ours = {each for each in sys.modules if each.startswith("scriptorium")}
print(sorted(ours - known | ours & foreign))
"""

POOL = """
from scriptorium_runner import __main__, imports
with imports.lasting():
    from scriptorium_runner import pool
"""

WAY_OUT = """
from scriptorium_runner.host.http.settings import HttpSettings
from scriptorium_runner.own_pod import way_out
way_out.LateWayOut(HttpSettings())._make()
"""

AUTHORITIES = """
import os
from aiohttp import connector
print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509_ca"], os.environ.get("SSL_CERT_FILE"))
"""

START = """
import sys
from scriptorium_runner import __main__
from scriptorium_runner.engine.workers import zygote_start

large = {"asyncio", "pydantic", "aiohttp"}
zygote_start.begin_early = lambda: sys.exit(", ".join(large & {*sys.modules}) or 0)
__main__.main(["run"])
"""


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    ran = run_python(IMPORT)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_a_run_s_pod_imports_nothing_that_is_for_others(imported: dict[str, Any]) -> None:
    assert FOREIGN & set(imported["modules"]) == set()


def test_no_model_is_built_before_it_is_read(imported: dict[str, Any]) -> None:
    assert not imported["has_model"]


@pytest.mark.parametrize("who", [POOL, WAY_OUT], ids=["a pool", "a run that asks a host outside"])
def test_no_certificate_is_read_that_no_connection_needs(who: str) -> None:
    ran = run_python(who + AUTHORITIES, SSL_CERT_FILE="/a/file")
    assert (ran.stdout, ran.stderr) == ("0 /a/file\n", "")


def test_what_was_imported_is_no_garbage_and_later_there_is(imported: dict[str, Any]) -> None:
    assert imported["frozen"] > 0
    assert imported["collects"]


def test_the_api_server_is_asked_before_a_model_is_imported() -> None:
    ran = run_python("import sys; from scriptorium_runner import run; print('pydantic' in sys.modules)")
    assert (ran.stdout, ran.stderr) == ("False\n", "")


@pytest.mark.parametrize("who", [ATTEMPT, SLOT], ids=["an attempt", "a slot, and no more than to judge it"])
def test_what_is_imported_in_parts_is_all_that_a_pod_needs(who: str) -> None:
    ran = run_python(who)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_the_sandbox_begins_before_anything_large_is_imported() -> None:
    ran = run_python(START)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_zygote_imports_nothing_that_no_worker_uses() -> None:
    # Without site, which imports more where a package is installed for editing.
    folders = {str(Path(each).parent) for each in (*scriptorium_runner.__path__, *scriptorium_api.__path__)}
    code = f"""
import sys
sys.path += {[*folders, str(Path(native.LIBRARY).parent)]}
from scriptorium_runner.engine.inside import zygote
print(", ".join({UNUSED} & {{*sys.modules}}) or "nothing")
"""
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "nothing\n"
