"""A stored answer that is right by now: it becomes the reply; the same in every database."""

from typing import Final

from bus.states import Change, sources, target
from journal.commands import Event, TakeReply
from journal.conditions import Run
from journal.rows import Rows

(_DEAD,) = sources(Change.TAKE_REPLY)
TAKEN: Final = (
    f"UPDATE deliveries SET state = '{target(Change.TAKE_REPLY)}', reason = '', changed_at = ?"
    f" WHERE id = ? AND state = '{_DEAD}' AND reason = 'reply-invalid' RETURNING system"
)


def take_reply(run: Run, rows: Rows, command: TakeReply) -> bool:
    taken = run(TAKEN, (rows.now, rows.key(command.delivery)))
    if not taken:
        return False
    rows.replace(command.delivery, command.message)
    rows.reply(command.delivery, command.message, command.reply, command.reply_life)
    facts: dict[str, str | int] = {
        "delivery": str(command.delivery),
        "revision": command.revision,
        "system": taken[0][0],
    }
    if command.reply.fault:
        facts["fault"] = command.reply.fault
    rows.record(Event("reply.taken", command.actor, command.message, facts))
    return True
