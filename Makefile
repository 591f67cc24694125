# TokPay from the top. make help lists the targets; instance/README.md tells about a running instance.

# Evaluated when a recipe needs it, which is after the packages are there.
PG_CONFIG ?= $(shell instance/pg-config)
CPP_FILES = $(wildcard */src/*.[ch]pp */src/*/*.[ch]pp */tests/*.[ch]pp gateway/fuzz/*.[ch]pp bench/*/*.[ch]pp)
JOBS := $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help run start stop status psql test test-cluster test-matrix test-sanitize test-mutations test-deb fuzz bench docs deb
.PHONY: build install clean format lint cluster cluster-stop cluster-status switchover backup restore force-leader
.PHONY: packages packages-cluster packages-test packages-lint packages-matrix packages-fuzz packages-bench packages-deb
# Prerequisites run from left to right.
.NOTPARALLEL:
.DELETE_ON_ERROR:

# npm writes it when all the others are there.
DEMO_PROVIDER = build/demo-provider/node_modules/.package-lock.json
NPM_CI = npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null

$(DEMO_PROVIDER): $(wildcard instance/demo-provider/package*.json)
	@echo "Installing what the demo provider needs"
	@mkdir -p build/demo-provider
	@cp $^ build/demo-provider
	@cd build/demo-provider && $(NPM_CI)

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@echo "Installing the packages of $*"
	@cd $* && $(NPM_CI)

# A build that fails takes it along (.DELETE_ON_ERROR).
build/web/index.html: gateway/web/node_modules/.package-lock.json \
		$(shell find gateway/web -name node_modules -prune -o -path gateway/web/tests -prune -o -type f -print)
	@echo "Building the web app"
	@cd gateway/web && npm run --silent build

# Prometheus is not installed for it: its package starts a server on a port of ours.
build/promtool:
	@rm -rf build/prometheus && mkdir -p build/prometheus
	@cd build/prometheus && apt-get -o APT::Sandbox::User=root -qq download prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
	@mv build/prometheus/usr/bin/promtool $@
	@rm -r build/prometheus

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

run: packages build install ## install what is missing, build, start in the foreground; Ctrl-C stops everything
	@instance/tokpay run

start: packages build install ## the same in the background
	@instance/tokpay start

stop: ## stop what run or start has started; the data stay
	@instance/tokpay stop

status: ## show the processes; fails unless all of them run
	@instance/tokpay status

psql: ## psql as administrator in the running instance
	@instance/tokpay psql

test: packages-test build install build/promtool ## install what is missing, build, run every test of one machine
	@tests/run

test-cluster: ## break the cluster in every way while clients pay, check what they were told; ROUNDS=, SEED=, FAULTS=, CLUSTER=short
	@tests/cluster/run

test-matrix: packages-matrix ## test the extension on Debian 12, 13 and testing, as root; RELEASES="trixie" picks
	@tests/matrix

test-sanitize: packages-test build install build/promtool ## run everything in C++ under ASan, UBSan and TSan
	@tests/sanitize

test-mutations: packages-test ## break the ledger on purpose, as root: its tests must notice, each time
	@tests/mutations/run

test-deb: packages-matrix build/web/index.html ## build the Debian packages on Debian 12 and 13, install, use, upgrade and purge them, as root
	@tests/packages

fuzz: packages-fuzz ## attack the gateway's parsers; SECONDS=60 in all
	@tests/fuzz $(or $(SECONDS),60)

bench: packages-test packages-bench build install ## measure everything at full size, two and a half hours; BENCH=quick: nine minutes
	@bench/run

docs: packages-test build install ## write the references in docs anew, from the catalog of a running instance and openapi.json
	@instance/tokpay status >/dev/null || instance/tokpay start
	@docs/sql_reference.py "$$(cat $${RUN_DIR:-.run}/pg-url)"
	@docs/http_reference.py

deb: packages packages-deb build/web/index.html ## build the Debian packages for this release and PostgreSQL, into build/deb
	@debian/build

cluster: packages-cluster $(DEMO_PROVIDER) build/web/index.html ## the three-machine cluster in Docker: build its images, start it, wait until it serves
	@docker/cluster up

cluster-stop: ## stop the cluster; the data stay
	@docker/cluster stop

cluster-status: ## each machine's role, the synchronous standby, epoch and lag; fails unless three are healthy
	@docker/cluster status

switchover: ## planned leader change: the synchronous standby takes over
	@docker/cluster switchover

backup: ## base backup of the cluster now; TYPE=full, diff (the default) or incr
	@docker/cluster backup

restore: ## bring the cluster back to a time: TO='2026-11-26 12:00:00+00'
	@docker/cluster restore "$(TO)"

force-leader: ## two machines are gone for good: go on with the third, MACHINE=machine2, as a new incarnation
	@docker/cluster force-leader "$(MACHINE)"

build: $(DEMO_PROVIDER) build/web/index.html ## build the extension, the gateway and the web app; PG_CONFIG= picks the PostgreSQL (15 to 18)
	@instance/pg-config > /dev/null
	@mkdir -p build
	@# Objects of another PostgreSQL are of no use.
	@$(PG_CONFIG) --version | cmp -s - build/postgresql || $(MAKE) -s -C extension clean PG_CONFIG=$(PG_CONFIG)
	@$(PG_CONFIG) --version > build/postgresql
	@echo "Building the extension for $$(cat build/postgresql)"
	@$(MAKE) -s -j$(JOBS) -C extension PG_CONFIG=$(PG_CONFIG)
	@echo "Building the gateway"
	@cmake -S gateway -B build/gateway -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
	@cmake --build build/gateway

install: build ## install the extension into PostgreSQL
	@PG_CONFIG=$(PG_CONFIG) instance/install-extension

clean: ## remove what build has made; never RUN_DIR
	rm -rf build gateway/web/node_modules tests/web/node_modules
	$(MAKE) --no-print-directory -C extension clean PG_CONFIG=$(PG_CONFIG)

format: packages-lint ## format the C++ sources
	clang-format -i $(CPP_FILES)

lint: packages-lint packages build ## check format and run clang-tidy
	clang-format --dry-run -Werror $(CPP_FILES)
	printf '%s\n' $(filter extension/%.cpp,$(CPP_FILES)) | xargs -P $(JOBS) -I {} clang-tidy --quiet --warnings-as-errors='*' {} -- \
		-std=c++20 -fno-exceptions -fno-rtti -DTOKPAY_VERSION='""' -isystem $$($(PG_CONFIG) --includedir-server)
	printf '%s\n' $(filter gateway/%.cpp,$(CPP_FILES)) | xargs -P $(JOBS) -I {} clang-tidy --quiet --warnings-as-errors='*' -p build/gateway {}

packages:
	@instance/packages run

packages-test:
	@instance/packages test

packages-lint:
	@instance/packages lint

packages-fuzz:
	@instance/packages fuzz

packages-cluster:
	@instance/packages cluster

packages-bench:
	@instance/packages bench

packages-matrix:
	@instance/packages matrix

packages-deb:
	@instance/packages deb
