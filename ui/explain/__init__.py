"""How is an explanation shown? One outline; a tree in the terminal, JSON, or a page with a chart."""
