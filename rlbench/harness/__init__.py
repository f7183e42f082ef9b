"""Scoring of agents in a process of their own, with raw records and honest statistics."""
