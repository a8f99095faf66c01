"""A run as one HTML file: prices with trades, equity, profit by strategy, what was denied, and how to make it again.

`read_report` gives the numbers, `write_report` the file; computing (`compute`) knows nothing of drawing (`page`).
"""

from ui.report.report import Known, Report
from ui.report.write import numbers, read_report, write_report

__all__ = ["Known", "Report", "numbers", "read_report", "write_report"]
