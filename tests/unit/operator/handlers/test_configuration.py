from datetime import timedelta
from itertools import islice

import kopf

from scriptorium_operator.handlers import configuration

BODY = {
    "apiVersion": "scriptorium.dev/v1alpha1",
    "kind": "Script",
    "metadata": {"name": "hello", "namespace": "team", "uid": "s1"},
    "spec": {"source": "return 1", "suspend": True},
}


def build(silence: timedelta = timedelta(seconds=70)) -> kopf.OperatorSettings:
    return configuration.build_kopf_settings(silence)


def test_no_watch_can_be_silent_for_long() -> None:
    watching = build(timedelta(seconds=20)).watching
    assert (watching.server_timeout, watching.client_timeout) == (300, 360)
    assert (watching.connect_timeout, watching.inactivity_timeout) == (30, 20)


def test_a_restart_does_not_storm_and_does_not_take_an_hour_either() -> None:
    settings = build()
    assert settings.queueing.worker_limit == 20
    assert settings.queueing.idle_timeout < 1
    assert settings.watching.chunk_size == 500
    assert settings.networking.enforce_retry_after


def test_kopf_never_gives_a_request_up_and_finds_an_api_server_that_is_back_within_seconds() -> None:
    backoffs = build().networking.error_backoffs
    assert isinstance(backoffs, configuration.Backoffs)
    for _ in range(2):
        pauses = list(islice(backoffs, 1000))
        assert len(pauses) == 1000
        assert max(pauses) == 10


def test_what_kopf_would_remember_is_ours_by_name_and_holds_no_source() -> None:
    storage = build().persistence.diffbase_storage
    patch = kopf.Patch()
    body = kopf.Body(BODY)
    storage.store(body=body, patch=patch, essence=storage.build(body=body))
    annotations = patch["metadata"]["annotations"]
    assert {name.partition("/")[0] for name in annotations} == {"scriptorium.dev"}
    value = annotations["scriptorium.dev/last-handled-configuration"]
    assert "return 1" not in value
    assert "suspend" in value
