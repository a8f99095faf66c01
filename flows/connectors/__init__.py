"""Edges: the topic log and its two backends, archives, venues, databases."""
