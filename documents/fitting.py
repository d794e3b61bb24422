"""Whether a transform reads and writes names that the shapes at its ends have."""

from collections.abc import Callable, Iterable, Sequence

from documents import kinds
from documents.bench import Bench
from documents.model import Key
from documents.problems import meant
from transforms.sources import EVERY, Named, sources, targets

Missing = Callable[[Sequence[str]], tuple[int, frozenset[str]] | None]
"""Of steps from the root: which of them leads to nothing, and what there is; None where they lead somewhere."""


def check_fit(bench: Bench, name: str, source: Missing | None, target: Missing | None) -> None:
    """Say which paths of the transform `name` lead nowhere in what it reads, and which fields have no place in what it
    writes; None at an end of which nothing is known."""
    written = bench.documents.by_key[Key("Transform", name)]
    transform = written.document
    if not isinstance(transform, kinds.Transform):
        raise TypeError(transform.kind)
    for place, steps, there in _astray(sources(transform.fields), source):
        message = f"what {name} reads has no {_shown(steps)}: {meant(steps[-1], there)}"
        bench.say(written, message, "fields", *place)
    for place, steps, there in _astray(targets(transform.fields), target):
        message = f"what {name} writes has no {_shown(steps)}: {meant(steps[-1], there)}"
        bench.say(written, message, "fields", *place)


def _astray(
    named: Iterable[Named], missing: Missing | None
) -> Iterable[tuple[tuple[str | int, ...], Sequence[str], frozenset[str]]]:
    """What leads nowhere: where it is written, the steps up to the wrong one, and what there is instead. What lies
    further in is left to be found once that is mended."""
    wrong: set[Sequence[str]] = set()
    for each in named:
        found = missing(each.steps) if missing else None
        if found is None:
            continue
        astray = each.steps[: found[0] + 1]
        if astray == each.steps or astray not in wrong:
            wrong.add(astray)
            yield each.place, astray, found[1]


def _shown(steps: Sequence[str]) -> str:
    """Steps as a path of the mapping language."""
    return "".join("[*]" if step == EVERY else f".{step}" for step in steps).removeprefix(".")
