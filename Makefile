# Every target makes .venv by itself; only Python >= 3.10 and make are needed.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: run test test-slow perf perf-peers lint clean

run: $(INSTALLED)  ## train the reference agents, score them, print the leaderboard
	$(BIN)/rlbench run quick

test: $(INSTALLED)  ## all tests but the slow ones
	$(BIN)/python -m pytest -q -n auto

test-slow: $(INSTALLED)  ## the slow ones alone
	$(BIN)/python -m pytest -q -m slow

perf: $(INSTALLED)  ## speed benchmarks, as ratios against a peer in one run
	$(BIN)/python -m pytest tests/benchmarks -q --benchmark-only -m '' -s

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

clean:
	rm -rf .venv runs
