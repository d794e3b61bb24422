"""Documents as YAML that people go on writing, and that `documents.yaml_text` reads back to the same values."""

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from documents.yaml_text import Plain, typed

WIDTH: Final = 120
FLAT: Final = 100
"""Characters of a mapping or list that stands in one line."""


class Block(dict[str, Any]):
    """A mapping of which every field stands in a line of its own."""


def write_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """One file of several documents, divided by ``---``; fields in the order that they have."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = WIDTH
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # None, where it is not said
    stream = StringIO()
    for number, document in enumerate(documents):
        if number:
            stream.write("---\n")
        yaml.dump(dict(document), stream)
    return stream.getvalue()


class _Representer(SafeRepresenter):
    """Small mappings and lists in one line; no aliases; texts in quotes wherever a reader could take them for more."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  ruamel's own name
        return True

    def represent_str(self, data: str) -> Any:
        quoted = typed(Plain(data)) != data or data in _WORDS or data[:1] in _SIGNS or not data.isprintable()
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"' if quoted else None)

    def represent_block(self, data: Any) -> Any:
        return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=False)

    def represent_dict(self, data: Any) -> Any:
        return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=_small(data))

    def represent_list(self, data: Any) -> Any:
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_small(data))


# What other readers of YAML 1.1 make more of, and what ours reads as nothing.
_WORDS: Final = frozenset({"", "~", "null", "yes", "no", "on", "off", "true", "false"})
_SIGNS: Final = frozenset(":{}[],&*#?|-<>=!%@`\"' ")

_Representer.add_representer(str, _Representer.represent_str)
_Representer.add_representer(dict, _Representer.represent_dict)
_Representer.add_representer(Block, _Representer.represent_block)
_Representer.add_representer(list, _Representer.represent_list)


def _small(value: Any) -> bool:
    members = value.values() if isinstance(value, dict) else value
    plain = all(not isinstance(each, dict | list) for each in members)
    return plain and "kind" not in value and len(str(value)) <= FLAT
