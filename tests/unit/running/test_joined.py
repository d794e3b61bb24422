"""How an answer leaves the process."""

from asyncio import Transport
from collections.abc import Iterable

from running.serving import Joined


class Written(Transport):
    """Keeps each write as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.writes.append(data)

    def writelines(self, list_of_data: Iterable[bytes]) -> None:  # type: ignore[override]
        self.writes.append(b"".join(list_of_data))

    def close(self) -> None:
        self.writes.append(b"closed")


def test_head_and_body_leave_together() -> None:
    """And what follows leaves as it comes."""
    written = Written()
    joined = Joined(written)
    for data in (b"head", b"body", b"more", b"end"):
        joined.write(data)
    assert written.writes == [b"headbody", b"more", b"end"]


def test_an_interim_answer_waits_for_nothing() -> None:
    """The client waits for it before it sends its body."""
    written = Written()
    joined = Joined(written)
    joined.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert written.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    joined.write(b"head")
    joined.write(b"")
    assert written.writes[1:] == [b"head"]


def test_a_head_without_its_body_leaves_before_the_end() -> None:
    """An answer that is broken off is seen to be."""
    written = Written()
    joined = Joined(written)
    joined.write(b"head")
    joined.close()
    assert written.writes == [b"head", b"closed"]
