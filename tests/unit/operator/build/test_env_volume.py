from typing import Any

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef, whole_secret, whole_secret_folder
from scriptorium_operator.build.env_volume import add_env_volume
from scriptorium_operator.decide import drift

POD: dict[str, Any] = {
    "securityContext": {"runAsUser": 7, "runAsGroup": 8},
    "containers": [{"name": "runner", "volumeMounts": [{"name": "tmp", "mountPath": "/t"}]}],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}
VALUES = [
    ValueRef(Origin.SECRET, "payment", "api-key"),
    ValueRef(Origin.CONFIG_MAP, "payment", "api-key"),
    ValueRef(Origin.SECRET, "payment", ".hidden"),
]


def sources(pod: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pod["volumes"][-1]["projected"]["sources"]
    return found


def test_only_the_keys_that_are_named_are_in_the_volume_each_at_its_own_path() -> None:
    hidden = {"key": ".hidden", "path": "secrets/payment/.hidden"}
    key = {"key": "api-key", "path": "secrets/payment/api-key"}
    other = {"key": "api-key", "path": "config-maps/payment/api-key"}
    assert sources(add_env_volume(POD, VALUES)) == [
        {"configMap": {"name": "payment", "optional": True, "items": [other]}},
        {"secret": {"name": "payment", "optional": True, "items": [hidden, key]}},
    ]


def test_no_two_values_have_the_same_path() -> None:
    texts = ["a", "a.b", "b", ".a", "a-b", "secrets", "config-maps"]
    values = [
        ValueRef(origin, name, key) for origin in Origin for name in texts if name[0] != "." for key in texts
    ]
    items = [
        item["path"]
        for source in sources(add_env_volume(POD, values))
        for item in next(iter(source.values()))["items"]
    ]
    assert len(set(items)) == len(values)


def test_a_whole_secret_has_a_folder_of_its_own_beside_single_keys_of_it() -> None:
    long = "p" * 253
    pod = add_env_volume(POD, [*VALUES, whole_secret("payment"), whole_secret(long)])
    assert sources(add_env_volume(POD, VALUES)) == pod["volumes"][1]["projected"]["sources"]
    whole = {volume["name"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume}
    mounts = pod["containers"][0]["volumeMounts"]
    folders = {
        whole[mount["name"]]["secretName"]: mount["mountPath"] for mount in mounts if mount["name"] in whole
    }
    assert folders == {
        name: f"{names.VALUES_FOLDER}/{whole_secret_folder(name)}" for name in ("payment", long)
    }
    assert all(secret["optional"] and "items" not in secret for secret in whole.values())
    assert all(mount["readOnly"] for mount in mounts[1:])
    assert all(secret["defaultMode"] == 0o440 for secret in whole.values())
    assert all(len(name) <= 63 for name in whole)


def test_a_whole_secret_alone_needs_no_volume_of_keys() -> None:
    pod = add_env_volume(POD, [whole_secret("payment")])
    assert [next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]] == ["emptyDir", "secret"]


def test_the_order_of_the_values_does_not_matter() -> None:
    assert add_env_volume(POD, VALUES) == add_env_volume(POD, [*reversed(VALUES), VALUES[0]])


def test_the_volume_is_mounted_for_reading_by_the_pods_own_group() -> None:
    pod = add_env_volume(POD, VALUES)
    volume, mount = pod["volumes"][-1], pod["containers"][0]["volumeMounts"][-1]
    assert mount == {"name": volume["name"], "mountPath": names.VALUES_FOLDER, "readOnly": True}
    assert pod["securityContext"] == {"runAsUser": 7, "runAsGroup": 8, "fsGroup": 8}
    assert volume["projected"]["defaultMode"] == 0o440


def test_a_pod_without_values_is_as_it_was_and_none_is_changed_in_place() -> None:
    assert add_env_volume(POD, []) is POD
    add_env_volume(POD, VALUES)
    assert len(POD["volumes"]) == 1
    assert len(POD["containers"][0]["volumeMounts"]) == 1


def test_a_live_pod_that_lacks_a_value_is_noticed() -> None:
    wanted = add_env_volume(POD, VALUES)
    assert not drift.lacks(add_env_volume(POD, VALUES), wanted)
    assert drift.lacks(add_env_volume(POD, VALUES[:2]), wanted)
    assert drift.lacks(POD, wanted)
