# Every target makes .venv by itself; only Python >= 3.10 and make are needed.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PEERS := .venv/.peers

.PHONY: run test test-slow python-versions perf perf-training pictures scores matches commands published trained kernels lint clean

run: $(INSTALLED)  ## train the reference agents, score them, print the leaderboard
	$(BIN)/rlbench run quick

test: $(PEERS)  ## all tests but the slow ones
	$(BIN)/python -m pytest -q -n auto

test-slow: $(INSTALLED)  ## the slow ones alone
	$(BIN)/python -m pytest -q -m slow

PYTHONS ?= python3.10 python3.12 python3.13

python-versions: $(INSTALLED)  ## all tests but the slow ones, without torch, on each of PYTHONS that is installed
	@tested=; for each in $(PYTHONS); do \
		$$each -c '' 2> /dev/null || { echo "$$each is not installed: left out"; continue; }; \
		$$each -m venv .venv/versions/$$each && own=.venv/versions/$$each/bin/python && \
		$$own -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[atari,mujoco,play,test]' && \
		$$own -m pytest -q -n auto -p tests.without_torch || exit 1; tested=yes; \
	done; [ "$$tested" ] || { echo "none of $(PYTHONS) is installed"; exit 1; }

perf: $(PEERS)  ## speed against peers: writes docs/speed.md and the README's table, in about ten minutes
	$(BIN)/python tests/benchmarks/report.py speed

perf-training: $(PEERS)  ## likewise the speed of training, in about half an hour
	$(BIN)/python tests/benchmarks/report.py training

PRETRAINED := baselines/pretrained
FILMSTRIP := --no-window --quiet --record docs

pictures: $(INSTALLED)  ## the README's picture of each environment
	$(BIN)/rlbench watch $(PRETRAINED)/grid-world@1/dqn-s0 --episode 2 $(FILMSTRIP)/grid-world.png
	$(BIN)/rlbench watch $(PRETRAINED)/cart-pole@1/reinforce-lecture-s0 $(FILMSTRIP)/cart-pole.png
	$(BIN)/rlbench watch random --task GlimpseCluttered60 --frames 7 $(FILMSTRIP)/glimpse.png
	$(BIN)/rlbench watch $(PRETRAINED)/half-cheetah-gymnasium@1/ppo-s0 --task HalfCheetah \
		--episode 2 --frames 4 --set reward=gymnasium $(FILMSTRIP)/half-cheetah.png
	$(BIN)/rlbench watch $(PRETRAINED)/pong@1/dqn-cpu-s0 --frames 8 $(FILMSTRIP)/pong.png
	$(BIN)/rlbench watch random-legal --task Go9x9 --set opponent=mcts:1000 $(FILMSTRIP)/go.png

RESULTS ?= results

scores: $(INSTALLED)  ## score every committed agent and the random ones into RESULTS; goes on where it was stopped
	$(BIN)/rlbench evaluate $(PRETRAINED) --results $(RESULTS)
	$(BIN)/rlbench evaluate random-legal --results $(RESULTS)
	$(BIN)/rlbench evaluate random --results $(RESULTS)

BOARD ?= go9
MATCH = $(BIN)/rlbench match --task $(BOARD)@1 --games 200 --gauntlet --output $(RESULTS)/$(BOARD)_matches.csv

matches: $(INSTALLED)  ## 200 games of BOARD's AlphaZero against each of four opponents, and of its search untrained
	$(BIN)/python -m baselines.studies.untrained $(PRETRAINED)/$(BOARD)@1/alphazero-s0 --out runs/untrained-$(BOARD)
	$(MATCH) $(PRETRAINED)/$(BOARD)@1/alphazero-s0 random mcts:1000 gnugo:1 gnugo:10
	$(MATCH) runs/untrained-$(BOARD) mcts:1000

commands: $(INSTALLED)  ## the reference in docs/commands.md, from the commands' help
	$(BIN)/python tests/docs/command_reference.py

published: $(INSTALLED)  ## docs/published.md, our scores beside published ones, from results/
	$(BIN)/python tests/docs/published_page.py

trained: $(INSTALLED)  ## the tables of baselines/README.md: how every agent was trained, from results/ and the plans
	$(BIN)/python tests/docs/trained_page.py

kernels: $(INSTALLED)  ## the programs for GPUs that come with the package, from the rules
	$(BIN)/python -m tests.core.compiler.ship_kernels

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

$(PEERS): $(INSTALLED)  # what benchmarks and tests compare with, and Ray; nothing else needs it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,peers,ray]'
	@touch $@

clean:
	rm -rf .venv runs
