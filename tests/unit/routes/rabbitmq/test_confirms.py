"""Publisher confirms, without a server."""

from hypothesis import given
from hypothesis import strategies as st

from routes.rabbitmq.confirms import Answer, Batch, Confirms


class Sent:
    """A batch that is out; `done` counts how often it was said to be."""

    def __init__(self, confirms: Confirms, count: int) -> None:
        self.done = 0
        self.batch = Batch.of(count, self._done)
        self.numbers: list[int] = []
        for index in range(count):
            self.numbers.append(confirms.next)
            confirms.sent(self.batch, index)
        self.batch.sealed()

    def _done(self) -> None:
        self.done += 1

    @property
    def answers(self) -> list[Answer]:
        return self.batch.answers


def test_numbers_count_from_one() -> None:
    """The first message of a channel is number 1, whatever batch it belongs to."""
    confirms = Confirms()
    assert Sent(confirms, 2).numbers + Sent(confirms, 1).numbers == [1, 2, 3]


def test_multiple_answers_everything_up_to_it() -> None:
    """One acknowledgement may stand for all open messages up to its number, of all batches, and for none after."""
    confirms = Confirms()
    first, second = Sent(confirms, 2), Sent(confirms, 2)
    confirms.answered(3, Answer.CONFIRMED, multiple=True)
    assert first.answers == [Answer.CONFIRMED] * 2
    assert second.answers == [Answer.CONFIRMED, Answer.LOST]
    assert (first.done, second.done, len(confirms)) == (1, 0, 1)


def test_single_answers_out_of_order() -> None:
    """Acknowledgements come in any order, and each is for one message."""
    confirms = Confirms()
    sent = Sent(confirms, 3)
    confirms.answered(3, Answer.REFUSED, multiple=False)
    confirms.answered(1, Answer.CONFIRMED, multiple=False)
    assert sent.done == 0
    confirms.answered(2, Answer.CONFIRMED, multiple=False)
    assert sent.answers == [Answer.CONFIRMED, Answer.CONFIRMED, Answer.REFUSED]
    assert sent.done == 1


def test_returned_messages_are_not_confirmed() -> None:
    """What came back is returned, though the acknowledgement that follows stands for it as well as for others."""
    confirms = Confirms()
    sent = Sent(confirms, 3)
    confirms.returned(2)
    confirms.answered(3, Answer.CONFIRMED, multiple=True)
    assert sent.answers == [Answer.CONFIRMED, Answer.RETURNED, Answer.CONFIRMED]


def test_answers_for_nothing_open_are_passed_over() -> None:
    """A second, late or senseless answer changes nothing."""
    confirms = Confirms()
    sent = Sent(confirms, 1)
    confirms.answered(1, Answer.CONFIRMED, multiple=False)
    confirms.returned(1)
    for number in (0, 1, 7):
        confirms.answered(number, Answer.REFUSED, multiple=False)
    confirms.answered(7, Answer.REFUSED, multiple=True)
    assert (sent.answers, sent.done) == ([Answer.CONFIRMED], 1)


def test_forgotten_batches_take_no_room() -> None:
    """A batch that is waited for no longer leaves the others, and their room, alone."""
    confirms = Confirms()
    slow, other = Sent(confirms, 2), Sent(confirms, 1)
    confirms.forget(slow.batch)
    confirms.answered(3, Answer.CONFIRMED, multiple=True)
    assert slow.answers == [Answer.LOST] * 2
    assert other.answers == [Answer.CONFIRMED]
    assert len(confirms) == 0


def test_batch_that_was_answered_before_it_was_sealed_is_done_when_it_is() -> None:
    """A batch is not done while more of it may go out."""
    confirms = Confirms()
    told: list[None] = []
    batch = Batch.of(2, lambda: told.append(None))
    confirms.sent(batch, 0)
    confirms.answered(1, Answer.CONFIRMED, multiple=False)
    assert told == []
    batch.sealed()
    assert told == [None]
    assert batch.answers == [Answer.CONFIRMED, Answer.LOST]


@given(st.data())
def test_every_message_has_exactly_its_answer(data: st.DataObject) -> None:
    """However a server groups and orders its answers, each message gets its own, and its batch is done once."""
    confirms = Confirms()
    batches = [Sent(confirms, count) for count in data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))]
    open_numbers = [number for sent in batches for number in sent.numbers]
    expected: dict[int, Answer] = {}
    while open_numbers:
        number = data.draw(st.sampled_from(open_numbers))
        multiple = data.draw(st.booleans())
        answer = data.draw(st.sampled_from([Answer.CONFIRMED, Answer.REFUSED]))
        answered = [each for each in open_numbers if each <= number] if multiple else [number]
        back = data.draw(st.sets(st.sampled_from(answered)))
        for each in back:
            confirms.returned(each)
        confirms.answered(number, answer, multiple=multiple)
        expected |= {each: Answer.RETURNED if each in back else answer for each in answered}
        open_numbers = [each for each in open_numbers if each not in answered]
    for sent in batches:
        assert sent.answers == [expected[number] for number in sent.numbers]
        assert sent.done == 1
    assert len(confirms) == 0
