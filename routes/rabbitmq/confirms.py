"""Publisher confirms without I/O: which published messages the server has answered for, and how.

The server numbers what is published on a channel 1, 2, 3 … and acknowledges or refuses (`basic.nack`) single numbers or
everything up to one (`multiple`). What no queue took comes back (`basic.return`) before it is acknowledged.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import takewhile


class Answer(Enum):
    """What became of a published message."""

    LOST = auto()  # nobody said: it may be in its queue or not
    SILENT = auto()  # the same, while the server answered for others
    CONFIRMED = auto()
    RETURNED = auto()  # no queue is bound where it was to go
    REFUSED = auto()  # the queue is full, or the server could not keep it


@dataclass(slots=True)
class Batch:
    """Messages published together; `done` is called once each that went out has been answered."""

    answers: list[Answer]
    done: Callable[[], None]
    _open: int = 0
    _sealed: bool = False

    @classmethod
    def of(cls, count: int, done: Callable[[], None]) -> "Batch":
        return cls([Answer.LOST] * count, done)

    def went(self) -> None:
        self._open += 1

    def sealed(self) -> None:
        """No more goes out."""
        self._sealed = True
        self._settle()

    def answered(self, index: int, answer: Answer) -> None:
        self.answers[index] = answer
        self._open -= 1
        self._settle()

    def _settle(self) -> None:
        if self._sealed and not self._open:
            self.done()


@dataclass(slots=True)
class Confirms:
    """The open numbers of one channel."""

    _last: int = 0
    _open: dict[int, tuple[Batch, int]] = field(default_factory=dict)  # in the order of publishing
    _returned: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def next(self) -> int:
        """The number that the server gives to what is published next."""
        return self._last + 1

    def sent(self, batch: Batch, index: int) -> None:
        """What had the next number is out."""
        self._last += 1
        self._open[self._last] = (batch, index)
        batch.went()

    def returned(self, number: int) -> None:
        """The answer to this number, which follows, means that nobody has it."""
        if number in self._open:
            self._returned.add(number)

    def answered(self, number: int, answer: Answer, *, multiple: bool) -> None:
        """An answer for one number, or for every open one up to it. One that is not open any more is passed over."""
        numbers = list(takewhile(lambda each: each <= number, self._open)) if multiple else [number]
        for each in numbers:
            if waiting := self._open.pop(each, None):
                came_back = each in self._returned
                self._returned.discard(each)
                batch, index = waiting
                batch.answered(index, Answer.RETURNED if came_back else answer)

    def lost(self) -> None:
        """Nobody will answer any more."""
        self._drop(list(self._open), Answer.LOST)

    def forget(self, batch: Batch, answer: Answer = Answer.LOST) -> None:
        """Wait no longer for a batch: its late answers mean nothing, and it takes no room."""
        self._drop([number for number, (each, _) in self._open.items() if each is batch], answer)

    def _drop(self, numbers: Iterable[int], answer: Answer) -> None:
        for number in numbers:
            batch, index = self._open.pop(number)
            self._returned.discard(number)
            batch.answered(index, answer)
