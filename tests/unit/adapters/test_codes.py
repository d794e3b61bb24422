"""The words that outcomes are told by."""

import re
from pathlib import Path

import adapters.call
from adapters.call import CODES
from adapters.http import Defect
from adapters.soap.faults import MEANINGS

WORD = re.compile(r'Result\.\w+, "([a-z-]+)"')


def test_every_code_is_explained() -> None:
    """Each code that an adapter writes stands in the table, and the table holds no other."""
    folder = Path(adapters.call.__file__).parent
    sources = [folder / "http.py", *folder.glob("*/outbound.py"), folder / "soap" / "faults.py"]
    written = {word for source in sources for word in WORD.findall(source.read_text())}
    written |= {str(defect) for defect in Defect} | {code for _, code in MEANINGS.values()}
    assert written | {"reply-not-soap", "reply-html", "reply-unrelated", "reply-unsigned", "reply-attachments"} == set(
        CODES
    )
