"""What is not collected for doctests: scripts that run in the environments of other engines."""

collect_ignore_glob = ["with_*.py"]
