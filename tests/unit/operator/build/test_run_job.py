from pathlib import Path

import yaml

from scriptorium_api import names
from scriptorium_api.script import Limits
from scriptorium_operator.build.run_job import RunOrder, build_run_job
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.facts import Address, Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings
from tests.support.makers import make_execution
from tests.unit.operator.fakes import make_pool

GOLDEN = Path(__file__).with_name("run_job.yaml")


def build() -> Manifest:
    place = Place(
        pool=make_pool(nodeSelector={"disk": "ssd"}, tolerations=[{"key": "team", "operator": "Exists"}]),
        tenant=Tenant(id="n1", name="team", labels={}),
        organization="acme",
        runner=RunnerSettings(image="example.org/scriptorium:1"),
        api_server=(Address("10.96.0.1", 443),),
    )
    limits = Limits(memory_mb=64, timeout_seconds=30)
    order = RunOrder(execution=make_execution(), attempt=2, limits=limits, start_seconds=100.4)
    return build_run_job(order, place)


def test_an_attempt_becomes_this_job() -> None:
    assert build() == yaml.safe_load(GOLDEN.read_text())


def test_no_pool_takes_the_pod_for_one_of_its_own() -> None:
    labels = build()["spec"]["template"]["metadata"]["labels"]
    assert not names.runner_selector("default").items() <= labels.items()


def test_the_longest_name_fits_a_label() -> None:
    uid = "0f0c9d8e-1111-2222-3333-444455556666"
    assert len(names.run_job_name(uid, 21)) <= 63
