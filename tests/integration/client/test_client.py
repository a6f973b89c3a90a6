"""Our client on the real API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from scriptorium_client import (
    Client,
    Conflict,
    Event,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Selection,
    Synced,
    follow,
    load_config,
)
from scriptorium_client import client as client_module
from scriptorium_client.client import Manifest
from scriptorium_client.lean import LeanTransport
from scriptorium_client.resources import CONFIG_MAPS, EXECUTIONS, NAMESPACES
from tests.support.manifests import execution

pytestmark = pytest.mark.cluster


@pytest_asyncio.fixture(params=["pooled", "lean"])
async def client(kubeconfig: str, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Our own client, as the cluster's administrator, by both transports."""
    config = load_config(kubeconfig)
    lean = LeanTransport(config, "test") if request.param == "lean" else None
    async with Client(config, transport=lean) as found:
        yield found


def config_map(name: str, namespace: str, **data: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": {"made-by": "test"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def test_an_object_goes_through_its_life(client: Client, namespace: str) -> None:
    made = await client.create(config_map("one", namespace, a="1"), CONFIG_MAPS)
    assert made["data"] == {"a": "1"}
    with pytest.raises(Conflict):
        await client.create(config_map("one", namespace), CONFIG_MAPS)
    await client.merge(CONFIG_MAPS, "one", namespace, {"data": {"a": "2"}})
    assert (await client.get(CONFIG_MAPS, "one", namespace))["data"] == {"a": "2"}
    await client.delete(CONFIG_MAPS, "one", namespace)
    await client.delete(CONFIG_MAPS, "one", namespace)
    assert await client.find(CONFIG_MAPS, "one", namespace) is None
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "one", namespace)


async def test_applying_twice_changes_nothing(client: Client, namespace: str) -> None:
    first = await client.apply(config_map("one", namespace, a="1"), CONFIG_MAPS, "test")
    second = await client.apply(config_map("one", namespace, a="1"), CONFIG_MAPS, "test")
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_a_status_is_written_only_over_the_version_it_was_made_for(
    client: Client, namespace: str
) -> None:
    manifest = execution(scriptRef={"name": "absent"})
    manifest["metadata"]["namespace"] = namespace
    made = await client.create(manifest, EXECUTIONS)
    version = made["metadata"]["resourceVersion"]
    status = {"phase": "Running", "output": {"nothing": None, "deep": {"nothing": None}}}
    written = await client.replace_status(EXECUTIONS, "sample", namespace, status, version)
    assert written["status"]["output"] == {"nothing": None, "deep": {"nothing": None}}
    with pytest.raises(Conflict):
        await client.replace_status(EXECUTIONS, "sample", namespace, {"phase": "Failed"}, version)
    current = written["metadata"]["resourceVersion"]
    with pytest.raises(Invalid):
        await client.replace_status(EXECUTIONS, "sample", namespace, {"attempt": "x"}, current)


def write_strangers_kubeconfig(source: str, target: Path) -> None:
    document = yaml.safe_load(Path(source).read_text())
    document["users"][0]["user"] = {"token": "not a token"}
    target.write_text(yaml.safe_dump(document))


async def test_a_stranger_is_told_so(kubeconfig: str, tmp_path: Path) -> None:
    write_strangers_kubeconfig(kubeconfig, tmp_path / "kubeconfig")
    async with Client(load_config(str(tmp_path / "kubeconfig"))) as stranger:
        with pytest.raises(Forbidden):
            await stranger.get(NAMESPACES, "kube-system")


async def test_a_watch_that_falls_silent_is_begun_anew(kubeconfig: str, namespace: str) -> None:
    async with Client(load_config(kubeconfig), silence_seconds=0.2) as client:
        pages = [each async for each in client.list_pages(CONFIG_MAPS, namespace, labels="made-by=test")]
        selection = Selection(resource=CONFIG_MAPS, namespace=namespace, labels="made-by=test")
        changes = client.watch(selection, pages[-1][1])
        assert [change async for change in changes] == []


async def test_long_lists_come_in_pages(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGE", 3)
    for number in range(8):
        await client.create(config_map(f"map-{number}", namespace), CONFIG_MAPS)
    pages = [
        [item["metadata"]["name"] for item in page]
        async for page, _ in client.list_pages(CONFIG_MAPS, namespace, labels="made-by=test")
    ]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert sorted(name for page in pages for name in page) == [f"map-{number}" for number in range(8)]


async def test_metadata_alone_comes_without_the_data(client: Client, namespace: str) -> None:
    await client.create(config_map("one", namespace, code="x"), CONFIG_MAPS)
    pages = client.list_pages(CONFIG_MAPS, namespace, labels="made-by=test", is_metadata_only=True)
    ((page, _),) = [each async for each in pages]
    assert page[0]["metadata"]["name"] == "one"
    assert "data" not in page[0]


async def test_following_tells_what_is_there_and_then_what_changes(client: Client, namespace: str) -> None:
    await client.create(config_map("old", namespace), CONFIG_MAPS)
    told = []
    selection = Selection(resource=CONFIG_MAPS, namespace=namespace, labels="made-by=test")
    async with asyncio.timeout(30), aclosing(follow(client, selection)) as events:
        async for event in events:
            told.append(event if isinstance(event, Synced) else name_of(event))
            if isinstance(event, Synced):
                await client.create(config_map("new", namespace), CONFIG_MAPS)
            elif name_of(event) == ("ADDED", "new"):
                await client.merge(CONFIG_MAPS, "new", namespace, {"data": {"a": "1"}})
                await client.delete(CONFIG_MAPS, "old", namespace)
            elif event.type == "DELETED":
                break
    assert told == [("ADDED", "old"), Synced(), ("ADDED", "new"), ("MODIFIED", "new"), ("DELETED", "old")]


async def test_a_deletion_that_fell_into_a_gap_is_told_after_it(
    client: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API server forgets versions when it likes, so the first watch is refused for it: we list again."""
    await client.create(config_map("doomed", namespace), CONFIG_MAPS)
    watch = client.watch
    starts: list[str] = []
    synced = 0

    async def watch_from_the_past(selection: Selection, version: str) -> AsyncIterator[Manifest]:
        starts.append(version)
        if len(starts) == 1:
            raise Gone("too old resource version")
        async for change in watch(selection, version):
            yield change

    monkeypatch.setattr(client, "watch", watch_from_the_past)
    selection = Selection(resource=CONFIG_MAPS, namespace=namespace, labels="made-by=test")
    async with asyncio.timeout(60), aclosing(follow(client, selection)) as events:
        async for event in events:
            synced += isinstance(event, Synced)
            if isinstance(event, Synced) and synced == 1:
                await client.delete(CONFIG_MAPS, "doomed", namespace)
            elif isinstance(event, Event) and event.type == "DELETED":
                break
    assert name_of(event) == ("DELETED", "doomed")
    # Told by the list, which knows no more of it than it was told before, and not by the watch.
    assert set(event.object) == {"metadata"}


def name_of(event: Event | Synced) -> tuple[str, str]:
    assert isinstance(event, Event)
    return event.type, event.object["metadata"]["name"]
