"""The embedded broker: Kombu's in-memory transport, for `lgsp up` alone.

Kombu knows no asyncio, so one thread owns the connection. It sleeps until it is given something to do: whatever is in
these queues was put there by the same thread. Messages that were not acknowledged go with the process; the journal
rings them again.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import uuid4

import structlog
from kombu import Connection, Consumer, Exchange, Queue
from kombu.message import Message

from routes.broker import Arrived, Carried, Signal

R = TypeVar("R")

log = structlog.get_logger("broker")


class MemoryBroker:
    """Implements `routes.broker.Broker`; started by the first call, in the event loop of that call."""

    def __init__(self) -> None:
        # Kombu keeps its memory queues process-wide: a name of its own keeps two brokers apart.
        self._name = uuid4().hex
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._consumers: dict[str, Consumer] = {}
        self._declared: set[str] = set()
        self._listeners: dict[str, Callable[[Signal], None]] = {}
        self._thread = threading.Thread(target=self._run, name="memory-broker", daemon=True)
        self._thread.start()

    @property
    def reachable(self) -> bool:
        return True

    async def publish(self, batch: Sequence[Carried]) -> Sequence[Carried]:
        def put() -> Sequence[Carried]:
            for carried in batch:
                self._put(f"system.{carried.system}", carried.encode())
            return ()

        return await self._do(put)

    async def subscribe(self, system: str, prefetch: int, arrived: Arrived) -> None:
        loop = asyncio.get_running_loop()

        def came(message: Message) -> None:
            def acknowledge() -> None:
                self._give(lambda: None if message.acknowledged else message.ack())

            loop.call_soon_threadsafe(arrived, Carried.decode(message.body), acknowledge)

        def consume() -> None:
            self._cancel(f"system.{system}")
            self._consume(f"system.{system}", prefetch, came)

        await self._do(consume)

    async def unsubscribe(self, system: str) -> None:
        await self._do(lambda: self._cancel(f"system.{system}"))

    async def signal(self, process: str, signal: Signal) -> None:
        """There is one process: what is said to it needs no queue."""
        if heard := self._listeners.get(process):
            heard(signal)

    async def listen(self, process: str, heard: Callable[[Signal], None], missed: Callable[[], None]) -> None:  # noqa: ARG002 - none is
        self._listeners[process] = heard

    async def close(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    def _cancel(self, name: str) -> None:
        consumer = self._consumers.pop(name, None)
        if consumer and consumer.channel:
            consumer.recover(requeue=True)
            consumer.channel.close()

    async def _do(self, job: Callable[[], R]) -> R:
        """Run a job in the thread and give its result. Raises `ConnectionError` where the broker has closed."""
        if self._stopping:
            raise ConnectionError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()

        def run() -> None:
            try:
                result = job()
            except Exception as failed:  # noqa: BLE001 - whatever Kombu raises belongs to the caller
                loop.call_soon_threadsafe(future.set_exception, failed)
            else:
                loop.call_soon_threadsafe(future.set_result, result)

        self._give(run)
        return await future

    def _give(self, job: Callable[[], None]) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def _run(self) -> None:
        with Connection("memory://", transport_options={"polling_interval": 0.001}) as connection:
            self._connection = connection
            self._producer = connection.Producer(auto_declare=False)
            self._exchange = Exchange(self._name, type="direct", durable=False)
            while jobs := self._next():
                for job in (*jobs, self._drain):
                    self._safely(job)

    def _safely(self, job: Callable[[], None]) -> None:
        """Whatever Kombu or an event loop that has closed makes of a job, the thread lives on."""
        try:
            job()
        except Exception as failed:  # noqa: BLE001 - without this thread nothing would be carried any more
            log.error("broker-failed", kind=type(failed).__name__)

    def _next(self) -> list[Callable[[], None]]:
        """Everything there is to do; empty when the broker has closed."""
        with self._changed:
            while not self._jobs and not self._stopping:
                self._changed.wait()
            jobs = list(self._jobs)
            self._jobs.clear()
        return jobs

    def _drain(self) -> None:
        """Hand out what the consumers' prefetch allows."""
        while self._consumers:
            try:
                self._connection.drain_events(timeout=0)
            except TimeoutError:
                return

    def _queue(self, name: str) -> Queue:
        return Queue(f"{self._name}.{name}", self._exchange, routing_key=name, durable=False)

    def _put(self, name: str, data: bytes) -> None:
        if name not in self._declared:
            self._queue(name)(self._producer.channel).declare()
            self._declared.add(name)
        self._producer.publish(
            data,
            exchange=self._exchange,
            routing_key=name,
            content_type="application/octet-stream",
            content_encoding="binary",
        )

    def _consume(self, name: str, prefetch: int, came: Callable[[Message], None]) -> None:
        channel = self._connection.channel()
        channel.basic_qos(0, prefetch, False)
        consumer = Consumer(channel, [self._queue(name)], on_message=came, accept=None)
        consumer.consume()
        self._consumers[name] = consumer
