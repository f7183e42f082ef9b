"""Recorded episodes: one JSON-lines file per run, with provenance."""
