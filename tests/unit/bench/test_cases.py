"""The scripts that every server runs."""

import shutil
import subprocess

import pytest

from bench.endpoints import cases, programs
from scriptorium_api.script import Script
from scriptorium_runner.engine.inside import native

UPSTREAM = "http://10.1.2.3:9000/"
ALL = [cases.HELLO, cases.build_work(1000), cases.build_wait(UPSTREAM)]


def test_the_script_that_computes_answers_what_is_expected_of_it():
    work = cases.build_work(1234)
    assert native.Context().eval(f"(() => {{ {work.source} }})()") == work.expected


def test_each_case_has_a_script_and_an_endpoint_that_names_it():
    for script, endpoint in zip(*(iter(cases.build_manifests(ALL)),) * 2, strict=True):
        name = Script.model_validate(script).metadata.name
        assert endpoint["spec"]["scriptRef"] == {"name": name}
        assert endpoint["spec"]["path"] == f"/{name}"


def test_a_host_is_named_only_where_there_is_one():
    hosts = [made["spec"].get("host") for made in cases.build_manifests([cases.HELLO], "shop.example.com")]
    assert hosts == [None, "shop.example.com"]
    assert "host" not in cases.build_manifests([cases.HELLO])[1]["spec"]


def test_only_the_script_that_waits_may_reach_anything():
    allowed = [Script.model_validate(each).spec.permissions for each in cases.build_manifests(ALL)[::2]]
    assert [each.http.allow if each and each.http else None for each in allowed] == [
        None,
        None,
        ["10.1.2.3:9000"],
    ]


def test_just_the_address_that_is_waited_for_is_opened():
    assert cases.find_network(UPSTREAM) == "10.1.2.3/32"


def test_the_others_are_given_the_same_scripts(tmp_path, node):
    (tmp_path / "scripts.mjs").write_text(programs.render_scripts(ALL))
    ask = """
      import { functions, sources } from "./scripts.mjs";
      const http = { get: async (url) => ({ text: () => url }) };
      const answers = await Promise.all(Object.values(functions).map((run) => run(http)));
      console.log([...Object.keys(sources), ...answers].join(" "));
    """
    (tmp_path / "ask.mjs").write_text(ask)
    said = subprocess.run([node, tmp_path / "ask.mjs"], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["/hello", "/work", "/wait", "hello", ALL[1].expected, UPSTREAM]


@pytest.fixture
def node():
    """Give the program of the others."""
    return shutil.which("node") or pytest.skip("there is no node here")
