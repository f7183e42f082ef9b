"""The ideas the package rests on: rules, the two shells, the batch compiler, the noise."""
