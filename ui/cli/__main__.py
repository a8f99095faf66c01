"""`python -m ui.cli` is `titan`."""

from ui.cli import main

main()
