"""Puts together how DNS is asked, from the settings: zone files first, then what is remembered, then the name servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dmarcscope.lookup.asking import Resolver
from dmarcscope.lookup.cache import AnswerMemory, CachingResolver, Notes
from dmarcscope.lookup.resolver import DnsResolver
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.lookup.zones import NOBODY, OfflineResolver, ZoneResolver, read_zone


@asynccontextmanager
async def open_resolver(settings: DnsSettings, memory: AnswerMemory | None = None) -> AsyncIterator[Resolver]:
    """A resolver for the time of the block; ``memory`` keeps answers for later runs, and has them all when the block ends.

    Raises SetupError for zone files that cannot be read, and if neither settings nor system name a name server.
    Offline, nothing is sent: what the zone files do not hold is NOT_ASKED, whatever is remembered.
    """
    zones = [read_zone(path) for path in settings.zone_files]
    with Notes(memory) as notes:
        if settings.offline:
            yield ZoneResolver(zones, NOBODY, notes.add) if zones else OfflineResolver()
            return
        async with DnsResolver(settings) as asker:
            caching = CachingResolver(asker, memory)
            try:
                yield ZoneResolver(zones, caching, notes.add) if zones else caching
            finally:
                caching.save()
