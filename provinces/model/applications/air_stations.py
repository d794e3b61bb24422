"""The station network: measures, and publishes what it measured.

``python -m provinces.model.applications.air_stations --bus http://127.0.0.1:8080 --count 20``, with the secret of
stations.air-quality in SENDER_SECRET.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from provinces.model.applications.sender import sender
from provinces.model.applications.stand_in import now

SYSTEM = "stations.air-quality"
CONTRACT = "environment.air-quality"


@dataclass(frozen=True)
class Station:
    """A place where air is measured."""

    code: str
    name: str
    district: str


STATIONS = (
    Station("SH001", "Trạm cầu Sông Hạc", "Phường Trung Tâm"),
    Station("SH002", "Trạm bến xe", "Phường Bến Xe"),
    Station("SH003", "Trạm khu công nghiệp", "Xã Bến Đá"),
)


def reading(station: Station, moment: datetime, random: Random) -> Mapping[str, object]:
    """One reading of one station; dust in µg/m3, from which the index follows roughly."""
    dust = round(random.uniform(5, 110), 1)
    return {
        "station": {"code": station.code, "name": station.name},
        "district": station.district,
        "measuredAt": moment.isoformat(timespec="seconds"),
        "aqi": round(dust * 1.9),
        "measurements": [{"parameter": "pm2.5", "value": dust}, {"parameter": "pm10", "value": round(dust * 1.6, 1)}],
    }


async def publish(bus: str, count: int, random: Random) -> int:
    """Publish so many readings, station by station; how many were accepted."""
    accepted = 0
    async with sender(bus, SYSTEM) as network:
        for number in range(count):
            moment = now()
            station = STATIONS[number % len(STATIONS)]
            body = json.dumps(reading(station, moment, random), ensure_ascii=False).encode()
            answer = await network.send(CONTRACT, body, f"{station.code}-{moment:%Y%m%d%H%M%S%f}-{number}")
            accepted += answer.status == 202
    return accepted


def main() -> int:
    parser = argparse.ArgumentParser(prog="air_stations", description="Publish air-quality readings.")
    parser.add_argument("--bus", required=True, help="where the bus listens")
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    accepted = asyncio.run(publish(options.bus, options.count, Random()))  # noqa: S311 - weather, not a secret
    sys.stdout.write(f"{accepted} of {options.count} accepted\n")
    return 0 if accepted == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
