# Each target is a script in dev/; `make` alone lists them.
.PHONY: help run stop psql clean install test bench check

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## build, start a private PostgreSQL, load the sample, show an overview; FILES='a.ndjson b.jsonl.gz' for yours
	@dev/run $(FILES)

psql: ## psql in the demo's database
	@dev/psql

stop: ## end the demo's server; its data stay
	@dev/stop

clean: ## end the private servers and remove them, their data and everything built
	@dev/clean

install: ## install into the PostgreSQL that pg_config names; PG_CONFIG=... for another, SUDO=1 to copy with sudo
	@PG_CONFIG='$(PG_CONFIG)' SUDO='$(SUDO)' dev/install

test: ## all tests
	@dev/test

bench: ## the benchmarks against their peers
	@dev/bench

check: ## rustfmt and clippy
	@dev/check
