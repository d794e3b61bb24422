"""Attachments in the journal: kept with their body, replaced with it, gone with it, in every database."""

from dataclasses import replace
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from bus.clock import ManualClock
from bus.envelope import Attachment, Body, Format
from bus.states import Change
from journal.attachments import LONGEST_HEAD, AttachmentView, read, view, written
from journal.commands import Accept, Reply, TakeReply
from journal.queries import Queries
from journal.store import Store
from tests.unit.journal.conformance.test_store import LIFE, a_settle, accepted_and_claimed, an_accept, write

FILES = tuple(
    Attachment(f"{number}@x", "application/pdf", bytes([number]) * number, b"salt") for number in range(1, 13)
)


def accepted(store: Store, clock: ManualClock, files: tuple[Attachment, ...]) -> Accept:
    accept = replace(an_accept(clock), attachments=files)
    write(store, accept)
    return accept


def test_files_are_kept_beside_their_body(store: Store, clock: ManualClock, queries: Queries) -> None:
    """In their order, byte for byte, with their salts; each alone, or told of without its bytes."""
    accept = accepted(store, clock, FILES)
    other = accepted(store, clock, FILES[:1])
    message = accept.envelope.message
    kept = queries.attachments(message)
    assert kept == FILES
    assert [each.digest for each in kept] == [sha256(b"salt" + each.data).hexdigest() for each in FILES]
    assert queries.attachment(message, "request", 12) == FILES[11]
    assert queries.attachment(message, "request", 13) is None
    assert queries.body(message) == Body(Format.JSON, b"{}")
    assert queries.attached(message)[10:] == [
        AttachmentView("request", number, f"{number}@x", "application/pdf", number) for number in (11, 12)
    ]
    assert len(queries.attachments(other.envelope.message)) == 1


def test_files_are_gone_when_their_body_is(store: Store, clock: ManualClock, queries: Queries) -> None:
    """By the store's time, at the same moment."""
    accept = accepted(store, clock, FILES)
    clock.advance(accept.body_life / 1000 - 0.001)
    assert queries.attachments(accept.envelope.message) == FILES
    clock.advance(0.001)
    assert (queries.body(accept.envelope.message), queries.attachments(accept.envelope.message)) == (None, ())


def test_an_answer_comes_in_the_place_of_another_with_its_files(
    store: Store, clock: ManualClock, queries: Queries
) -> None:
    """Of a kept answer that becomes the reply nothing is left, and the request's own files stay."""
    claimed = accepted_and_claimed(store, clock)
    raw = Reply("raw", Body(Format.JSON, b"raw"), "", FILES)
    kill = a_settle(claimed, Change.KILL, reason="reply-invalid", code="reply-invalid", reply=raw, reply_life=LIFE)
    assert write(store, kill)
    found = queries.reply(claimed.message)
    assert found
    assert found[1] == raw
    right = Reply("reply", Body(Format.JSON, b"{}"), "", FILES[:1])
    assert write(store, TakeReply(claimed.delivery, claimed.message, "user:an", 9, right, LIFE)) is True
    found = queries.reply(claimed.message)
    assert found
    assert found[1] == right
    assert len(queries.attached(claimed.message)) == 1


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=255), st.binary(max_size=2_000))
def test_a_file_is_read_as_it_was_written(name: str, data: bytes) -> None:
    """Whatever its name, its type and its bytes are; its beginning says how long it is."""
    file = Attachment(name, name[::-1], data, b"s")
    row = written(file)
    assert read(row, b"s") == file
    assert view("reply:1.7", row[:LONGEST_HEAD], len(row)) == AttachmentView("reply:1", 7, name, name[::-1], len(data))
