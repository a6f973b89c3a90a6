"""Replicas that rotate before API servers that hear of it late: what must never fail is trust."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from scriptorium_operator.decide.certificates import FIRST_SETTLING, SETTLING
from scriptorium_operator.errors import CertificateUnusable, ClusterUnavailable, Outdated
from scriptorium_operator.facts import Certificate, Manifest, WebhookConfiguration
from scriptorium_operator.gateways import certificates as making
from scriptorium_operator.services import certificates
from scriptorium_operator.services.certificates import Door
from scriptorium_operator.settings import CertificateSource, WebhookSettings
from tests.unit.operator.fakes import NOW, Clock

LIFETIME = timedelta(hours=1)
KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


class FakeWebhooks:
    """Both configurations in memory, each with one webhook."""

    def __init__(self) -> None:
        self.bundles: dict[str, tuple[Certificate, ...]] = dict.fromkeys(KINDS, ())
        self.versions = dict.fromkeys(KINDS, 1)
        self.outage: Exception | None = None

    async def find_all(self, name: str) -> list[WebhookConfiguration]:
        if self.outage:
            raise self.outage
        return [
            WebhookConfiguration(kind=kind, version=str(self.versions[kind]), bundles={"w": bundle})
            for kind, bundle in self.bundles.items()
        ]

    async def apply(self, manifest: Manifest) -> None:
        kind = manifest["kind"]
        if manifest["metadata"]["resourceVersion"] != str(self.versions[kind]):
            raise Outdated
        text = base64.b64decode(manifest["webhooks"][0]["clientConfig"]["caBundle"]).decode()
        self.bundles[kind] = making.read_bundle(text)
        self.versions[kind] += 1

    def forget(self) -> None:
        """Lose the bundles, as by somebody's hand."""
        for kind in KINDS:
            self.bundles[kind] = ()
            self.versions[kind] += 1


@pytest.fixture
def webhooks() -> FakeWebhooks:
    return FakeWebhooks()


def make_door(webhooks: FakeWebhooks, pod: str = "operator-1", **settings: object) -> Door:
    chosen = WebhookSettings(**{"lifetime": LIFETIME} | settings)  # type: ignore[arg-type]
    return Door(
        webhooks=webhooks,  # type: ignore[arg-type]
        settings=chosen,
        namespace="scriptorium-system",
        pod=pod,
        opened=NOW,
    )


def is_trusted(door: Door, bundles: dict[str, tuple[Certificate, ...]], clock: Clock) -> bool:
    shown = door.rotation.shown
    return shown is not None and shown.expires > clock() and all(shown in each for each in bundles.values())


async def test_a_replica_is_trusted_before_it_shows_anything(webhooks: FakeWebhooks, clock: Clock) -> None:
    door = make_door(webhooks)
    await certificates.refresh(door, clock())
    assert door.rotation.shown is None
    assert all(door.rotation.next in bundle for bundle in webhooks.bundles.values())
    clock.advance(seconds=FIRST_SETTLING.total_seconds())
    await certificates.refresh(door, clock())
    assert is_trusted(door, webhooks.bundles, clock)


async def test_whatever_hour_it_is_each_replica_shows_what_late_api_servers_trust(
    webhooks: FakeWebhooks, clock: Clock
) -> None:
    doors = [make_door(webhooks, f"operator-{number}") for number in range(3)]
    shown: set[Certificate] = set()
    late: list[dict[str, tuple[Certificate, ...]]] = []
    step = 2
    delay = int(SETTLING.total_seconds()) // step - 1
    for tick in range(6 * 3600 // step):
        for number, door in enumerate(doors):
            # They look at different moments.
            if tick % 3 == number:
                await certificates.refresh(door, clock())
        late.append(dict(webhooks.bundles))
        if tick * step > 60:
            assert all(is_trusted(door, webhooks.bundles, clock) for door in doors)
            assert all(is_trusted(door, late[-delay], clock) for door in doors)
        shown |= {door.rotation.shown for door in doors if door.rotation.shown}
        clock.advance(seconds=step)
    # A new one each third of an hour, of each replica; and no more are trusted than may be shown.
    assert len(shown) >= 3 * 17
    assert all(len(bundle) <= 2 * len(doors) for bundle in webhooks.bundles.values())


async def test_a_replica_with_nothing_to_change_writes_nothing(webhooks: FakeWebhooks, clock: Clock) -> None:
    door = make_door(webhooks)
    for _ in range(10):
        await certificates.refresh(door, clock())
        clock.advance(seconds=10)
    assert webhooks.versions == dict.fromkeys(KINDS, 2), "each is told once"


async def test_what_somebody_took_away_is_told_again(webhooks: FakeWebhooks, clock: Clock) -> None:
    door = make_door(webhooks)
    for _ in range(5):
        await certificates.refresh(door, clock())
        clock.advance(seconds=10)
    webhooks.forget()
    await certificates.refresh(door, clock())
    assert is_trusted(door, webhooks.bundles, clock)


async def test_through_an_outage_the_last_certificate_is_shown(webhooks: FakeWebhooks, clock: Clock) -> None:
    door = make_door(webhooks)
    for _ in range(5):
        await certificates.refresh(door, clock())
        clock.advance(seconds=10)
    before = door.rotation.shown
    webhooks.outage = ClusterUnavailable("away")
    for _ in range(10):
        clock.advance(minutes=3)
        with pytest.raises(ClusterUnavailable):
            await certificates.refresh(door, clock())
    assert door.rotation.shown == before
    webhooks.outage = None
    for _ in range(5):
        await certificates.refresh(door, clock())
        assert is_trusted(door, webhooks.bundles, clock)
        clock.advance(seconds=10)
    assert door.rotation.shown != before


async def test_two_that_start_at_once_are_both_trusted_in_the_end(
    webhooks: FakeWebhooks, clock: Clock
) -> None:
    doors = [make_door(webhooks, f"operator-{number}") for number in range(2)]
    for _ in range(10):
        for door in doors:
            await certificates.refresh(door, clock())
        clock.advance(seconds=2)
    assert all(is_trusted(door, webhooks.bundles, clock) for door in doors)


def test_who_is_not_trusted_is_not_asked_but_does_its_other_work_in_the_end(
    webhooks: FakeWebhooks, clock: Clock
) -> None:
    door = make_door(webhooks)
    assert not door.may_be_asked(clock())
    clock.advance(seconds=59)
    assert not door.may_be_asked(clock())
    clock.advance(seconds=1)
    assert door.may_be_asked(clock())


async def test_a_mounted_certificate_is_shown_when_it_comes_and_when_it_changes(
    webhooks: FakeWebhooks, clock: Clock, tmp_path: Path
) -> None:
    door = make_door(webhooks, certificates=CertificateSource.MOUNTED, folder=tmp_path)
    await certificates.refresh(door, clock())
    assert not door.may_be_asked(clock())
    for _ in range(2):
        mount(tmp_path)
        await certificates.refresh(door, clock())
        assert door.may_be_asked(clock())
        assert door.mounted == making.read_folder(tmp_path)
    (tmp_path / "tls.key").write_text("half a key")
    with pytest.raises(CertificateUnusable):
        await certificates.refresh(door, clock())
    assert webhooks.versions == dict.fromkeys(KINDS, 1), "cert-manager tells, not we"


def mount(folder: Path) -> None:
    request = making.Request(host="x", holder="x", begins=NOW, lifetime=LIFETIME)
    key, mark, certificate = making.make_identity(request).pem.partition(b"-----BEGIN CERTIFICATE")
    (folder / "tls.key").write_bytes(key)
    (folder / "tls.crt").write_bytes(mark + certificate)
