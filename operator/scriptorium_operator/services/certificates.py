"""The certificate that this replica shows to the API server: made, told, shown, and made anew in time."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scriptorium_operator.build import webhook_trust
from scriptorium_operator.decide import certificates as deciding
from scriptorium_operator.decide.certificates import Move, Rotation
from scriptorium_operator.errors import OperatorError
from scriptorium_operator.facts import WebhookConfiguration
from scriptorium_operator.gateways import certificates
from scriptorium_operator.gateways.certificates import Identity, Request
from scriptorium_operator.gateways.webhooks import Webhooks
from scriptorium_operator.settings import CertificateSource, WebhookSettings

log = logging.getLogger(__name__)

#: Between two looks: a configuration that lost our certificate gets it back within that time.
LOOK_SECONDS = 30.0

#: The same while a certificate is not shown yet.
SHORT_LOOK_SECONDS = 2.0

#: A replica that nobody trusts yet is kept from being asked for so long. After that it is ready all the same:
#: to bring objects up to date, it needs no certificate.
PATIENCE = timedelta(seconds=60)


@dataclass(kw_only=True)
class Door:
    """Where the API server comes in, and what it is shown there."""

    webhooks: Webhooks
    settings: WebhookSettings
    namespace: str
    pod: str
    opened: datetime
    tls: ssl.SSLContext = field(default_factory=certificates.build_tls)
    rotation: Rotation = field(default_factory=Rotation)
    waiting: Identity | None = None
    """The next certificate with its key."""
    mounted: bytes | None = None
    """The certificate that was mounted, if it is shown."""

    @property
    def host(self) -> str:
        """Give the name by which the API server comes."""
        return f"{self.settings.service}.{self.namespace}.svc"

    def may_be_asked(self, now: datetime) -> bool:
        """Say whether the API server may be sent here: it is trusted, or it was waited for long enough."""
        is_shown = self.rotation.shown is not None or self.mounted is not None
        return is_shown or now - self.opened >= PATIENCE


async def keep_certificate(door: Door, now: Callable[[], datetime]) -> None:
    """Have a certificate shown, for ever."""
    while True:
        try:
            await refresh(door, now())
        except OperatorError as error:
            log.warning("the webhooks' certificate is not up to date", extra={"error": str(error)})
        is_settled = door.mounted is not None or (door.rotation.shown and not door.rotation.next)
        await asyncio.sleep(LOOK_SECONDS if is_settled else SHORT_LOOK_SECONDS)


async def refresh(door: Door, now: datetime) -> None:
    """Do what is due: make a certificate, tell of it, show it."""
    if door.settings.certificates is CertificateSource.OWN:
        await _refresh_own(door, now)
    else:
        await _refresh_mounted(door)


async def _refresh_mounted(door: Door) -> None:
    found = await asyncio.to_thread(certificates.read_folder, door.settings.folder)
    if found is None or found == door.mounted:
        return
    certificates.show(door.tls, found)
    door.mounted = found
    log.info("the mounted certificate is shown")


async def _refresh_own(door: Door, now: datetime) -> None:
    move = deciding.decide_move(door.rotation, door.settings.lifetime, now)
    if move is Move.MAKE:
        _make(door, now)
    elif move is Move.SHOW:
        _show(door)
    configurations = await door.webhooks.find_all(webhook_trust.NAME)
    for configuration in configurations:
        await _tell(door, configuration, now)
    bundles = [bundle for each in configurations for bundle in each.bundles.values()]
    door.rotation = deciding.note_telling(door.rotation, bundles, now)


def _make(door: Door, now: datetime) -> None:
    request = Request(host=door.host, holder=door.pod, begins=now, lifetime=door.settings.lifetime)
    door.waiting = certificates.make_identity(request)
    door.rotation = Rotation(shown=door.rotation.shown, next=door.waiting.certificate)


def _show(door: Door) -> None:
    if door.waiting is None:
        return
    certificates.show(door.tls, door.waiting.pem)
    door.rotation = Rotation(shown=door.waiting.certificate)
    door.waiting = None
    log.info("a new certificate is shown", extra={"expires": door.rotation.own[0].expires.isoformat()})


async def _tell(door: Door, configuration: WebhookConfiguration, now: datetime) -> None:
    """Have the API server trust what this replica shows, beside what the others do."""
    found = {each for bundle in configuration.bundles.values() for each in bundle}
    holder = certificates.name_holder(door.pod)
    bundle = deciding.decide_bundle(found, door.rotation, holder, now)
    if all(each == bundle for each in configuration.bundles.values()):
        return
    await door.webhooks.apply(webhook_trust.build_webhook_trust(configuration, bundle))
    log.info("certificates told", extra={"kind": configuration.kind, "trusted": len(bundle)})
