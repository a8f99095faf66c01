"""Does a strategy look ahead? ``check_lookahead`` runs it over recorded data and takes the future away.

How it works and what it cannot see: docs/lookahead.md.
"""

from flows.lookahead.check import Plan, check_lookahead
from flows.lookahead.findings import Report
from flows.lookahead.recording import VENDORED, Source
from flows.lookahead.start_up import StartUpReport, start_up
from flows.lookahead.subject import Subject, subject_of

__all__ = [
    "VENDORED",
    "Plan",
    "Report",
    "Source",
    "StartUpReport",
    "Subject",
    "check_lookahead",
    "start_up",
    "subject_of",
]
