"""How it runs: Bytewax wiring, and every source and sink in `flows.connectors`."""
