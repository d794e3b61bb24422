"""What is measured with: the generator counts what it says, and the provinces and bodies are what they should be."""

from datetime import date
from itertools import pairwise
from pathlib import Path
from urllib.request import urlopen

import pytest

from bench import large
from bench.flow import LOOK_EVERY, growth
from bench.load import drive, header, moments, pace, post
from bench.processes import server
from bench.provinces import many
from bus.envelope import Body, Format
from contracts.xsd import XsdDocuments, XsdValidator
from documents.check import check_folder

REQUEST = b"POST / HTTP/1.1\r\nHost: sink\r\nContent-Length: 2\r\n\r\n{}"


def count(sink: str) -> int:
    with urlopen(f"{sink}/count") as answer:
        return int(answer.read())


def test_a_closed_load_sends_as_many_as_it_was_told() -> None:
    """So many requests are sent and answered, however many connections share them."""
    with server("sink") as sink:
        result = drive(sink, [REQUEST], count=250, connections=7, expected=200)
        assert (result.count, result.unexpected, count(sink)) == (250, 0, 250)


def test_a_paced_load_awaits_every_answer() -> None:
    """What was due is sent and counted, and an answer that is not the expected one is told."""
    with server("sink") as sink:
        result = pace(sink, [REQUEST], rate=400, seconds=0.5, expected=202)
        assert result.count == count(sink) == result.unexpected > 0


async def test_the_moments_of_a_paced_load_are_the_same_in_each_run() -> None:
    """Two runs load in the same way, and neither lets anything be due later than its end."""
    runs = []
    for _ in range(2):
        dues = [due async for due in moments(2_000, 0.05)]
        runs.append([after - before for before, after in pairwise(dues)])
    assert runs[0] == pytest.approx(runs[1])


def test_what_grows_is_told_in_messages_a_second() -> None:
    """Ten more at each look is so many a second; what goes up and down does not grow."""
    assert growth([10 * each for each in range(40)]) == pytest.approx(10 / LOOK_EVERY)
    assert growth([5, 9, 2, 7] * 10) == 0


def test_a_header_is_found_by_its_name() -> None:
    """Whatever the case, and nothing where it is not there."""
    head = post("http://host/messages/any", b"{}", {"CE-Id": "7"}).partition(b"\r\n\r\n")[0]
    assert (header(head, b"ce-id"), header(head, b"content-length"), header(head, b"id")) == (b"7", b"2", b"")


@pytest.mark.parametrize("size", large.SIZES.values())
def test_dossiers_are_valid_and_of_their_size(size: int) -> None:
    """A dossier of each size obeys the schema that is measured with."""
    schema = XsdDocuments({"dossier.xsd": (large.HERE / "dossier.xsd").read_bytes()}, ["dossier.xsd"])
    data = large.dossier(size)
    _, findings = XsdValidator(schema, "{urn:h99:ho-so}HoSo").check(Body(Format.XML, data))
    assert not findings
    assert abs(len(data) - size) < 300


def test_provinces_that_are_written_for_a_measurement_are_right(tmp_path: Path) -> None:
    """`lgsp check` has nothing to say against them."""
    for folder in (many(tmp_path / "many", 5, 2), large.HERE):
        assert not check_folder(folder, date(2026, 11, 25)).problems
