"""A run as one HTML file: prices with trades, equity, profit by strategy, what was denied, and how to make it again.

`read_report` gives the numbers, `write_report` the file; computing (`compute`) knows nothing of drawing (`page`).
"""

from ui.report.compare import Comparison
from ui.report.report import Known, Report
from ui.report.write import numbers, read_comparison, read_report, write_comparison, write_report

__all__ = [
    "Comparison",
    "Known",
    "Report",
    "numbers",
    "read_comparison",
    "read_report",
    "write_comparison",
    "write_report",
]
