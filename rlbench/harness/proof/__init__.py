"""Proof of records: recorded actions re-simulated where no agent ever ran, actions kept, and what was found."""
