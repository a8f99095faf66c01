"""How people touch it: the command line, the service interface and the dashboard."""
