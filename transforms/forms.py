"""The forms of the mapping language, each compiled into a closure that makes one value.

A form is a path, or a mapping with one *source* (`from`, `value`, `concat`, `firstOf`, `each`, `then`, `xml`,
`fields`), at most one *conversion* (`date`, `boolean`, `codeList`, `as`, `namePart`, `split`), and what holds for every
form (`when`, `default`, `required`). docs/mapping.md is the language in full.
"""

from collections.abc import Callable, Mapping

from bus.errors import BusError
from transforms import making
from transforms.code_lists import Entries, compile_code_list
from transforms.condition import Condition, compile_condition
from transforms.dates import compile_date
from transforms.findings import Spot, shown
from transforms.grammar import CONVERSIONS, Form, flag, listed, pair, plain, source_of, text_at, ways
from transforms.paths import compile_path
from transforms.scope import MISSING, Convert, Make, absent
from transforms.values import compile_boolean, compile_case, compile_name_part, compile_split, compile_type, trim
from transforms.xml_view import XmlView

Views = Callable[[str, str], XmlView]
"""From the path of a schema and an element ``{namespace}Local`` to the JSON view of such documents."""

DEEPEST = 32
"""Forms inside one another: far beyond what people write, far below Python's own limit."""


class Forms:
    """A compiler of forms. What is wrong is said at the spot of each form, and something harmless compiled instead."""

    def __init__(self, code_lists: Mapping[str, Entries], views: Views) -> None:
        self._code_lists = code_lists
        self._views = views
        self._by_source: Mapping[str, Callable[[Form, Spot], Make]] = {
            "each": self._each,
            "concat": self._concat,
            "firstOf": self._first_of,
            "then": self._choice,
            "value": lambda form, spot: making.constant(plain(form["value"], spot.at("value"))),
            "from": self._from,
            "xml": self._xml,
            "fields": lambda form, spot: self.fields(form["fields"], spot.at("fields")),
        }

    def form(self, form: object, spot: Spot) -> Make:
        """One field's value: a path or a mapping."""
        if len(spot.steps) > DEEPEST * 2:
            spot.say("forms lie too deep in one another: split the transform.")
        elif isinstance(form, str):
            return spot.attempt(lambda: compile_path(form, spot.inside)) or absent
        elif isinstance(form, dict):
            return self._mapping(form, spot)
        else:
            spot.say(f"a field is a path or a form; the constant {shown(form)} is written {{value: …}}.")
        return absent

    def fields(self, fields: object, spot: Spot) -> Make:
        """An object, made field by field; with the one field `.`, whatever that form makes."""
        if not isinstance(fields, dict) or not fields:
            spot.say("`fields` names each field of the result and how it is made, NAME: form.")
            return absent
        pairs: list[tuple[str, Make]] = []
        for name, form in fields.items():
            if not isinstance(name, str):
                spot.say(f"the name of a field is a text: write {shown(str(name))} in quotes.")
            pairs.append((str(name), self.form(form, spot.at(str(name)))))
        if "." not in fields:
            return making.object_of(pairs)
        if len(fields) > 1:
            spot.at(".").say("`.` makes the whole result: it is the only field, or it has another name.")
        return pairs[0][1]

    def _mapping(self, form: Form, spot: Spot) -> Make:
        source = source_of(form, spot)
        if source is None:
            return absent
        made = self._by_source[source](form, spot)
        if {"fields", "xml"}.isdisjoint(form):
            made = self._converted(made, form, spot)
        if "when" in form and source not in {"each", "then"}:
            made = making.guarded(made, self._condition(form, spot))
        if "default" in form:
            return making.with_default(made, plain(form["default"], spot.at("default")))
        return making.demanded(made) if flag(form, "required", spot) else made

    # --- sources -----------------------------------------------------------------------------------------------------

    def _from(self, form: Form, spot: Spot) -> Make:
        source = self.form(form["from"], spot.at("from"))
        if "xml" in form:
            view = self._view(form["xml"], spot.at("xml"))
            source = making.read_xml(source, view) if view else absent
        if "fields" not in form:
            return source
        return making.inside(source, self.fields(form["fields"], spot.at("fields").within()))

    def _xml(self, form: Form, spot: Spot) -> Make:
        view = self._view(form["xml"], spot.at("xml"))
        if "fields" not in form:
            spot.say("`xml` writes a document out of `fields`, or reads one `from` a path.")
            return absent
        made = self.fields(form["fields"], spot.at("fields"))
        return making.write_xml(made, view) if view else absent

    def _each(self, form: Form, spot: Spot) -> Make:
        members = self.form(form["each"], spot.at("each"))
        if "fields" in form and "item" in form:
            spot.at("item").say("`each` has `fields` for objects or `item` for other values, not both.")
        if "fields" in form:
            item = self.fields(form["fields"], spot.at("fields").within())
        else:
            item = self.form(form.get("item", "."), spot.at("item").within())
        return making.each(members, item, self._condition(form, spot) if "when" in form else None)

    def _concat(self, form: Form, spot: Spot) -> Make:
        parts = [self._part(part, spot.at("concat", at)) for at, part in enumerate(listed(form, "concat", spot))]
        separator = form.get("separator")
        if separator is None:
            return making.joined_whole(parts)
        return making.joined_present(parts, text_at(separator, spot.at("separator")))

    def _part(self, part: object, spot: Spot) -> Make:
        """A part with a space at an end, or without letter or digit, is a text as it stands."""
        if isinstance(part, str) and (part != part.strip() or not any(map(str.isalnum, part))):
            return making.constant(part)
        return self.form(part, spot)

    def _first_of(self, form: Form, spot: Spot) -> Make:
        choices = enumerate(listed(form, "firstOf", spot))
        return making.first_of([self.form(one, spot.at("firstOf", at)) for at, one in choices])

    def _choice(self, form: Form, spot: Spot) -> Make:
        if "when" not in form:
            spot.say("`then` and `else` need the condition: when.")
            return absent
        then = self.form(form["then"], spot.at("then"))
        otherwise = self.form(form["else"], spot.at("else")) if "else" in form else absent
        return making.choice(self._condition(form, spot), then, otherwise)

    def _condition(self, form: Form, spot: Spot) -> Condition:
        text = text_at(form["when"], spot.at("when"))
        return spot.at("when").attempt(lambda: compile_condition(text)) or bool

    def _view(self, named: object, spot: Spot) -> XmlView | None:
        if not isinstance(named, dict) or set(named) != {"schema", "element"}:
            spot.say('`xml` names a schema and an element: {schema: schemas/a.xsd, element: "{urn:a}Root"}.')
            return None
        schema, element = (text_at(named[word], spot.at(word)) for word in ("schema", "element"))
        try:
            return spot.attempt(lambda: self._views(schema, element))
        except LookupError:
            spot.say(f"there is no schema {shown(schema)}.")
        except BusError as unfit:
            spot.say(unfit.text)
        return None

    # --- conversions -------------------------------------------------------------------------------------------------

    def _converted(self, made: Make, form: Form, spot: Spot) -> Make:
        named = [word for word in form if word in CONVERSIONS]
        if len(named) > 1:
            spot.say(f"one form converts once, not by {' and by '.join(named)}: put one into the other's `from`.")
        steps: list[Convert] = [trim] if flag(form, "trim", spot) else []
        steps += [convert for word in named[:1] if (convert := self._conversion(word, form, spot))]
        if "case" in form and (case := spot.at("case").attempt(lambda: compile_case(form["case"]))):
            steps.append(case)
        for step in steps:
            made = making.converted(made, step)
        return making.joined_list(made, text_at(form["join"], spot.at("join"))) if "join" in form else made

    def _conversion(self, word: str, form: Form, spot: Spot) -> Convert | None:
        how, here = form[word], spot.at(word)
        if word == "codeList":
            default = form.get("default", MISSING)
            return compile_code_list(self._code_lists, how, form.get("reverse", False), default, spot)
        if word == "date":
            target, source = (None if way is None else text_at(way, here) for way in ways(how, here))
            return here.attempt(lambda: compile_date(target, source))
        if word == "boolean":
            to_pair, from_pair = (None if way is None else pair(way, here) for way in ways(how, here))
            return compile_boolean(to_pair, from_pair)
        if word == "split":
            return here.attempt(lambda: compile_split(text_at(how, here)))
        build = compile_type if word == "as" else compile_name_part
        return here.attempt(lambda: build(how))
