"""How it runs: Bytewax wiring, and every source and sink in `flows.connectors`."""

from flows import kernel_cache

kernel_cache.use()
