"""How well and how fast nearly equal contracts are found: ``python -m bench.similarity [FOLDER OF WSDLS]``.

The labelled set: contracts of the model province and of other people's services, and for many of them a variation such
as another department would have built: names written another way, fields dropped, added, moved, and of another type.
What is found for a variation is right where it is the contract that it was made of; another operation of the same
service counts neither way, for those are often nearly the same. Figures go to ``bench/results/similarity-DATE.json``.
"""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from bench.figures import Run, out, show
from bus.errors import BusError
from documents.describing import described
from documents.fields import Field, meaning, named
from documents.importers.source import Refused, open_source
from documents.importers.target import Target
from documents.importers.writing import as_documents
from documents.importers.wsdl import import_wsdl
from documents.load import load
from documents.similarity import NEAR, Contracts, Described

MODEL: Final = Path(__file__).parent.parent / "provinces" / "model"
CONTRACTS: Final = 1_000
VARIATIONS: Final = 200
LEAST_FIELDS: Final = 5
TYPES: Final = ("string", "integer", "number")


def model() -> list[Described]:
    """The contracts of the model province."""
    return [each for _, each in described(load(MODEL).documents)]


def of_services(folder: Path) -> Iterator[Described]:
    """The contracts that services of a folder would become, by service."""
    for number, path in enumerate(sorted(folder.rglob("*.wsdl"))):
        target = Target(f"service-{number}", "H99.01")
        try:
            documents, _ = as_documents(import_wsdl(open_source(path), target), target.folder)
            for _, each in described(documents):
                yield replace(each, key=f"{path.relative_to(folder)}#{each.key}")
        except (BusError, Refused, LookupError, ValueError, TypeError) as error:
            out.print(f"{path.name} is left out: {type(error).__name__}")


def varied(one: Described, chance: Random, foreign: Sequence[Field]) -> Described:
    """The same thing built anew: a fifth of the fields gone, as many others, and what is left called, typed and placed
    otherwise."""
    style = chance.choice((_snake, _camel, str.upper, _squashed, _shortened))
    kept = [each for each in one.fields if chance.random() < 0.8] or list(one.fields)
    wrapped = chance.random() < 0.3
    made = []
    for each in kept:
        names = [style(name) for name in each.path]
        if len(names) > 1 and chance.random() < 0.2:
            del names[-2]
        kind = chance.choice(TYPES) if chance.random() < 0.1 else each.kind
        made.append(named(("Body", *names) if wrapped else tuple(names), kind, each.format, each.codes))
    made += chance.sample(list(foreign), min(len(foreign), len(one.fields) // 5))
    return Described(f"varied:{one.key}", frozenset(chance.sample(sorted(one.title), len(one.title) // 2)), tuple(made))


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name) or [name]


def _snake(name: str) -> str:
    return "_".join(_words(name)).lower()


def _camel(name: str) -> str:
    first, *others = _words(name)
    return first.lower() + "".join(word.capitalize() for word in others)


def _squashed(name: str) -> str:
    return "".join(_words(name)).lower()


def _shortened(name: str) -> str:
    """Without its first word, where it has three or more."""
    words = _words(name)
    return "_".join(words[1:] if len(words) > 2 else words)


def judged(
    contracts: Contracts, known: Sequence[Described], chance: Random, most: int = VARIATIONS
) -> dict[str, float]:
    """Precision and recall over variations of some of them, and milliseconds of an answer."""
    bases = [each for each in known if len(each.fields) >= LEAST_FIELDS]
    foreign = [each for one in known for each in one.fields[:3]]
    right = wrong = first = shown = 0
    took: list[float] = []
    chosen = chance.sample(bases, min(most, len(bases)))
    for base in chosen:
        asked = varied(base, chance, foreign)
        began = time.perf_counter()
        found = contracts.nearest(asked, 3)
        took.append(time.perf_counter() - began)
        keys = [each.key for each in found]
        right += base.key in keys
        first += bool(keys) and keys[0] == base.key
        strangers = [key for key in keys if key != base.key and not _kin(key, base.key)]
        wrong += len(strangers)
        shown += len(keys)
    took.sort()
    return {
        "variations": len(chosen),
        "recall": round(right / len(chosen), 3),
        "recallFirst": round(first / len(chosen), 3),
        "precision": round(right / (right + wrong), 3) if right + wrong else 0.0,
        "shownEach": round(shown / len(chosen), 2),
        "medianMs": round(took[len(took) // 2] * 1000, 1),
        "slowestMs": round(took[-1] * 1000, 1),
    }


def _kin(one: str, other: str) -> bool:
    """Whether both are of one service."""
    return "#" in one and one.partition("#")[0] == other.partition("#")[0]


def filled(known: Sequence[Described], chance: Random, most: int = CONTRACTS) -> list[Described]:
    """A thousand contracts: those that there are, and mixtures of their fields where there are fewer."""
    every = [each for one in known for each in one.fields]
    mixed = [
        Described(f"mixed-{number}", meaning(f"mixed {number}"), tuple(chance.sample(every, min(len(every), 15))))
        for number in range(most - len(known))
    ]
    return [*known, *mixed][:most]


def main() -> None:
    run = Run("similarity", 1.0, command="python -m bench.similarity CORPUS/wsdl")
    chance = Random(2026)
    known = [*model(), *(each for folder in sys.argv[1:] for each in of_services(Path(folder)))]
    unique = list({tuple(each.path for each in one.fields): one for one in known if one.fields}.values())
    chance.shuffle(unique)
    began = time.perf_counter()
    among = filled(unique, chance)
    contracts = Contracts(among)
    indexed = time.perf_counter() - began
    inside = [each for each in among if not each.key.startswith("mixed-")]
    run.figures |= {
        "contracts": len(among),
        "real": len(inside),
        "indexedMs": round(indexed * 1000, 1),
        "near": NEAR,
    }
    run.figures |= judged(contracts, inside, chance)
    show("Nearly equal contracts", ("",), {name: [value] for name, value in run.figures.items()})
    out.print(f"kept in {run.write()}")


if __name__ == "__main__":
    main()
