"""scriptorium.d.ts: the TypeScript compiler takes the examples by it, and refuses what is not there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_runner.host.registry import METHODS

ROOT = Path(__file__).parents[3]
DECLARATIONS = ROOT / "runner" / "scriptorium_runner" / "scriptorium.d.ts"
CONFIG = {
    "compilerOptions": {
        "noEmit": True,
        "allowJs": True,
        "checkJs": True,
        "strict": False,
        "target": "es2023",
        "lib": ["es2023"],
        "types": [],
    },
}


GOOD = """
const id = utils.uuid().toUpperCase();
const day = utils.date.startOf(utils.date.add(new Date(), {days: 1}), 'day', '+05:00').getTime();
const there = (await utils.date.format(day, 'HH:mm', 'Asia/Tashkent')).length;
const months = utils.date.diff('2026-01-01', 0, 'months').toFixed();
console.info(`hello ${ctx.user?.name}`, {id, there, months}, env.NAME?.length, input.anything);
console.log(context.tenantId);
const r = await http.post('https://api.example.org/', {a: 1}, {headers: {a: 'b'}});
return {status: r.status, data: r.json(), other: await scripts.call('other', {a: 1})};
"""


def find_compiler() -> str:
    """Find tsc on the path, or where `npm install --prefix .build/typescript typescript` puts it."""
    own = ROOT / ".build" / "typescript" / "node_modules" / ".bin" / "tsc"
    found = str(own) if own.exists() else shutil.which("tsc")
    if found is None:
        pytest.skip("no TypeScript compiler: npm install --prefix .build/typescript typescript@5")
    return found


def find_sources(body: Any) -> list[str]:
    """Find the JavaScript in a manifest."""
    spec, data = body.get("spec", {}), body.get("data", {})
    return [text for text in [spec.get("source"), *data.values()] if isinstance(text, str) and "\n" in text]


def check(folder: Path, *sources: str) -> str:
    """Give what the compiler has to say of scripts."""
    shutil.copy(DECLARATIONS, folder / "scriptorium.d.ts")
    for number, source in enumerate(sources):
        (folder / f"script{number}.js").write_text(f"async function script{number}() {{\n{source}\n}}\n")
    names = sorted(path.name for path in folder.iterdir())
    (folder / "tsconfig.json").write_text(json.dumps(CONFIG | {"files": names}))
    command = [find_compiler(), "--project", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


def test_every_example_and_what_the_docs_promise_fit_the_declarations(tmp_path: Path) -> None:
    manifests = [
        body for path in (ROOT / "examples").glob("*.yaml") for body in yaml.safe_load_all(path.read_text())
    ]
    sources = [source for body in manifests for source in find_sources(body)]
    assert len(sources) >= 5
    assert check(tmp_path, *sources, GOOD) == ""


BAD = [
    "ctx.tenant.id = 'x'",
    "fetch('x')",
    "setTimeout(() => {})",
    "process.exit()",
    "require('fs')",
    "utils.uid()",
    "utils.date.diff(0, 0, 'fortnight')",
    "utils.date.format(0, 'HH', 'Asia/Tashkent').length",
    "scripts.call(1)",
    "http.get()",
]


def test_what_is_not_there_is_not_declared(tmp_path: Path) -> None:
    refused = re.findall(r"script(\d+)\.js\(2,", check(tmp_path, *BAD))
    assert sorted(map(int, refused)) == list(range(len(BAD)))


def test_every_host_function_is_declared() -> None:
    text = DECLARATIONS.read_text()
    for api in METHODS:
        assert re.search(rf"^declare const {api}: ", text, re.MULTILINE)
    for method, counts in (each for api in METHODS.values() for each in api.items()):
        assert not counts or re.search(rf"^  {method.partition('.')[2]}\(", text, re.MULTILINE), method
