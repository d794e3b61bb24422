"""The page that Prometheus reads: of one process, or of all children of one parent."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from bus.errors import SettingInvalid
from bus.settings import Settings


@dataclass(frozen=True, slots=True)
class Gathered:
    """What children must have in their environment, and whom to tell when one has gone."""

    environment: Mapping[str, str] = field(default_factory=dict)
    gone: Callable[[int], None] = lambda _: None


@contextmanager
def exposed(settings: Settings, registry: CollectorRegistry) -> Iterator[None]:
    """Answer at the port that the settings name, if they do. Raises `SettingInvalid`."""
    if settings.metrics_port == 0:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError:
        hint = f"cannot listen on {settings.metrics_host}:{settings.metrics_port}; choose another with --metrics-port"
        raise SettingInvalid(name="metrics_port", hint=hint) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def gathered(settings: Settings) -> Iterator[Gathered]:
    """One page for several processes: each writes its numbers into a folder, which is this port's and empty at first.
    Raises `SettingInvalid`."""
    if settings.metrics_port == 0:
        yield Gathered()
        return
    folder = settings.data / "metrics" / str(settings.metrics_port)
    registry = CollectorRegistry()
    with exposed(settings, registry):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        multiprocess.MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]

        def gone(process: int) -> None:
            multiprocess.mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]

        yield Gathered({"PROMETHEUS_MULTIPROC_DIR": str(folder)}, gone)
