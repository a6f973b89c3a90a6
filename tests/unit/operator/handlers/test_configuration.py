import kopf

from scriptorium_operator.handlers.configuration import build_kopf_settings

BODY = {
    "apiVersion": "scriptorium.dev/v1alpha1",
    "kind": "Script",
    "metadata": {"name": "hello", "namespace": "team", "uid": "s1"},
    "spec": {"source": "return 1", "suspend": True},
}


def test_no_watch_can_be_silent_for_long() -> None:
    watching = build_kopf_settings().watching
    assert (watching.server_timeout, watching.client_timeout) == (300, 360)
    assert (watching.connect_timeout, watching.inactivity_timeout) == (30, 70)


def test_a_restart_does_not_storm() -> None:
    settings = build_kopf_settings()
    assert settings.queueing.worker_limit == 20
    assert settings.networking.enforce_retry_after


def test_what_kopf_would_remember_is_ours_by_name_and_holds_no_source() -> None:
    storage = build_kopf_settings().persistence.diffbase_storage
    patch = kopf.Patch()
    body = kopf.Body(BODY)
    storage.store(body=body, patch=patch, essence=storage.build(body=body))
    annotations = patch["metadata"]["annotations"]
    assert {name.partition("/")[0] for name in annotations} == {"scriptorium.dev"}
    value = annotations["scriptorium.dev/last-handled-configuration"]
    assert "return 1" not in value
    assert "suspend" in value
