"""Elements of one namespace, made by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True, slots=True)
class Elements:
    """Called with a name, attributes and what stands within: elements, or one text."""

    namespace: str
    prefix: str

    def __call__(self, name: str, *parts: Mapping[str, str] | etree._Element | str) -> etree._Element:
        element = etree.Element(f"{{{self.namespace}}}{name}", nsmap={self.prefix: self.namespace})
        for part in parts:
            if isinstance(part, str):
                element.text = part
            elif isinstance(part, Mapping):
                for key, value in part.items():
                    element.set(key, value)
            else:
                element.append(part)
        return element
