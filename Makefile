# SPDX-License-Identifier: Apache-2.0
# The short front door; Meson and Ninja do the work.  `make help` lists the targets.
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc)

.PHONY: all help deps run check soak bench install deb format lint clean

all: $(BUILD)/build.ninja ## build the programs into build/bin
	@ninja -C $(BUILD) -j$(JOBS)
	@tools/link-programs $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) -Dtests=false --prefix=$(PREFIX)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

deps: ## install what building and running need (as root)
	@tools/install-deps build run

run: deps all ## build and start Assay on this machine, in the foreground, with an API to try (as root)
	@PYTHONDONTWRITEBYTECODE=1 examples/run --bin $(BUILD)/bin

check: ## install what the tests need, build, run all of them (as root)
	@tools/install-deps front
	@tools/check

soak: ## the long tests, or STAGES of them: kills, fuzzing, package upgrades ... (as root)
	@tools/install-deps front
	@tools/check --soak $(STAGES)

bench: ## measure, beside this machine's limits and other programs; BUILD/bench.json (as root)
	@tools/install-deps front build test bench
	@mkdir -p $(BUILD)
	@tools/bench --json $(BUILD)/bench.json

install: all ## install under DESTDIR and PREFIX
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

deb: ## Debian packages into build/deb
	@tools/install-deps build package
	@tools/make-deb $(BUILD)/deb

format: ## format the C sources in place
	@git ls-files -z -- '*.c' '*.h' | xargs -0 clang-format -i

lint: ## the checks that run nothing
	@tools/install-deps front build lint
	@tools/check --lint

clean: ## remove what was built
	rm -rf $(BUILD)
