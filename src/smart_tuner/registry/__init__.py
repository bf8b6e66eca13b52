"""The registry of voices: the best ones of all runs, checksummed, kept in MLflow (docs/registry.md)."""
