"""Start every stand-in: ``python -m provinces.model.applications --ports-file FILE``.

The secrets that callers must show come from the environment, as JSON: ``PROVINCE_SECRETS={"population.register": …}``.
Writes {system: endpoint} to FILE when all answer; ends at SIGTERM, or when the parent closes our standard input.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from provinces.model.applications.runner import applications, run


class SecretsMissing(Exception):
    """PROVINCE_SECRETS must be a JSON object that holds a text for each of: {systems}"""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").format(systems=", ".join(applications())))


def read_secrets(text: str) -> Mapping[str, str]:
    """Raises `SecretsMissing`."""
    try:
        secrets = json.loads(text)
        chosen = {name: secrets[name] for name in applications()}
    except (ValueError, TypeError, KeyError):
        raise SecretsMissing from None
    if not all(isinstance(secret, str) and secret for secret in chosen.values()):
        raise SecretsMissing
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(prog="provinces.model.applications", description="The stand-in applications.")
    parser.add_argument("--ports-file", type=Path, required=True, help="where to write {system: endpoint}")
    options = parser.parse_args()
    try:
        secrets = read_secrets(os.environ.get("PROVINCE_SECRETS", ""))
    except SecretsMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    run(secrets, options.ports_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
