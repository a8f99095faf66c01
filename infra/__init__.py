"""How it is deployed, and the data of the demo: files only, no code; see README.md."""
