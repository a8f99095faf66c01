"""Are a zone's few changes the same as asking zoneinfo moment by moment?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.connectors.input_errors import InputError
from flows.connectors.recorded.times import wall_to_utc
from flows.sessions import session_starts
from flows.time_zones import zone_offsets
from operators.instruments import InstrumentError

ZONES = (
    "America/New_York", "America/Chicago", "Europe/London", "Asia/Tokyo", "UTC", "Australia/Sydney", "Asia/Kolkata",
    "America/Noronha", "Africa/Casablanca", "Asia/Gaza",
)  # fmt: skip
EPOCH = datetime(1970, 1, 1)
SECOND = 1_000_000_000


@pytest.mark.parametrize("zone", ZONES)
def test_session_starts_are_civil_times(zone) -> None:
    for start in ("09:30", "02:30", "00:00"):
        hour, minute = map(int, start.split(":"))
        first = datetime(1970, 1, 2, hour, minute, tzinfo=ZoneInfo(zone))
        days = [int((first + timedelta(days=i)).timestamp()) * SECOND for i in range(36_500)]
        assert session_starts(zone, start).tolist() == days


@pytest.mark.parametrize("zone", ZONES)
def test_clear_and_unclear_times_around_every_change(zone) -> None:
    table, info = zone_offsets(zone), ZoneInfo(zone)
    around = (-3601, -3600, -1801, -1, 0, 1, 1799, 3599, 3600)
    seconds = [int(ns) // SECOND + s for ns in (*table.early_ns, *table.late_ns) for s in around]
    walls = [EPOCH + timedelta(seconds=s) for s in seconds]
    ns = np.array(seconds, np.int64) * SECOND
    first, second = ([info.utcoffset(w.replace(fold=fold)) for w in walls] for fold in (0, 1))
    assert table.unclear(ns).tolist() == [a != b for a, b in zip(first, second, strict=True)]
    expected = [s - int(a.total_seconds()) for s, a in zip(seconds, first, strict=True)]
    assert (table.first_utc(ns) // SECOND).tolist() == expected


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(0, 4_102_444_800), min_size=1, max_size=5))
def test_wall_times_become_utc(zone, moments) -> None:
    info = ZoneInfo(zone)
    local = [datetime.fromtimestamp(m, UTC).astimezone(info) for m in moments]
    walls = (
        np.array([int((x.replace(tzinfo=None) - EPOCH).total_seconds()) for x in local], np.int64) * SECOND
    )
    unclear = [x for x in local if info.utcoffset(x.replace(fold=0)) != info.utcoffset(x.replace(fold=1))]
    rows = np.arange(len(walls))
    if unclear and zone != "UTC":
        with pytest.raises(InputError, match="happened twice"):
            wall_to_utc(walls, zone, "x.csv", rows)
    else:
        assert (wall_to_utc(walls, zone, "x.csv", rows) // SECOND).tolist() == moments


def test_no_such_zone() -> None:
    with pytest.raises(InstrumentError, match="Mars/Olympus"):
        session_starts("Mars/Olympus", "09:30")
