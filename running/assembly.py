"""The parts of a process, out of its settings and its data folder."""

import gc
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from adapters.egress import EVERYWHERE, Egress, Network
from adapters.http import open_session
from bus.settings import EMBEDDED, Settings
from documents.snapshot import Builder
from routes.broker import Broker
from routes.memory_broker import MemoryBroker
from routes.rabbitmq.broker import RabbitBroker
from running import logs
from running.home import Home
from running.node import Parts, beside, parts
from running.watching import Watch
from transforms.apart.pool import Pool

SWITCH_INTERVAL: Final = 0.0005
"""Seconds that one thread may keep the interpreter while another wants it (Python: 0.005). A commit gives it away and
takes it back several times; at the default a busy event loop would hold up each commit, and with it every sender."""

YOUNG: Final = 20_000
"""Objects made between two collections (Python: 700); a message makes some hundreds, nearly all freed without it."""


@asynccontextmanager
async def assembled(
    settings: Settings,
    home: Home,
    role: str,
    *,
    networks: Sequence[Network] = (),
    own: Sequence[tuple[str, int]] = (),
    endpoints: Mapping[str, str] | None = None,
    shared: bool = False,
) -> AsyncIterator[Parts]:
    """What a process of this role has, running, under a name that was never used before.

    `networks` may be called besides those of the settings, and `own` addresses never; `endpoints` override those of
    systems; `shared`: other processes write to the same log.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    process = f"{role}-{home.clock.new_id().hex[-12:]}"
    told = logs.configure(settings, shared=shared)
    egress = Egress((*(settings.egress or EVERYWHERE), *networks), own)
    async with open_session(egress) as session, AsyncExitStack() as stack:
        pool = stack.enter_context(Pool())
        builder = Builder(
            home.queries,
            home.keys,
            home.credentials,
            home.secrets,
            session,
            home.clock,
            pool,
            endpoints or {},
            settings.url,
        )
        broker = open_broker(settings, process)
        store = home.open_store(role)
        counted_as = "both" if role == "up" else role
        async with (
            parts(store, home.queries, broker, builder.load, home.clock, process, told, counted_as) as each,
            beside(Watch(each, settings).run()),
        ):
            yield each


def open_broker(settings: Settings, process: str) -> Broker:
    """Raises `SettingInvalid`."""
    return MemoryBroker() if settings.broker == EMBEDDED else RabbitBroker(settings.broker, title=process)


def spare_the_collector() -> None:
    """Leave what lives as long as the process out of garbage collection, and collect the young less often: walking
    through compiled schemas and libraries held up every message for a tenth of a second, each few thousand messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
