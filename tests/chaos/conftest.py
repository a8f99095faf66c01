"""What process-level scenarios share with the other whole-system tests."""

from tests.integration.conftest import nothing_left_running, reference, url

__all__ = ["nothing_left_running", "reference", "url"]
