# `make help` says what there is. What is downloaded or built stays in .deps/, target/ and build/; cargo keeps crates in its own
# folder.

BUILD := build
PREFIX ?= $(BUILD)/prefix
DATA ?=
OUTPUT ?= $(BUILD)/train
CONFIG ?=
LIBTORCH ?=
LIBTORCH_DIR ?=
BUNDLE ?=
CUDA ?=
CARGO ?= cargo
BENCH ?=
SCALE ?=
PHANTOM := laboratory/experiments/phantom.json
EXPERIMENT ?= $(PHANTOM)
LABORATORY ?=

# scripts/setup turns LIBTORCH into .deps/libtorch, which .cargo/config.toml and CMake use.
unexport LIBTORCH
# cargo and ninja use all cores by themselves.
unexport MAKEFLAGS MFLAGS
export PATH := $(CURDIR)/.deps/bin:$(HOME)/.cargo/bin:$(PATH)

# Asked of the shell, since make would take a folder with a space in its name for two.
INSTALLED_LIBRARY = "$$(realpath '$(PREFIX)')/lib/libcoopseg.so"
LABORATORY_COMMAND = COOPSEG_LIBRARY=$(INSTALLED_LIBRARY) .deps/laboratory/bin/python -B -m laboratory

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: forget-skipped help setup build install demo train figures test lint test-rust test-c check-symbols test-consumer test-python \
	test-itk test-slicer test-matlab test-java test-laboratory laboratory wheel bench-programs bench scale fuzz header symbols third-party \
	package clean distclean

help:
	@echo 'make demo       set up, build, install, and run examples/c/quickstart [DATA=folder of subjects]'
	@echo 'make train      set up, build, install, and run examples/c/train DATA=dataset [OUTPUT=build/train] [CONFIG=file.json]'
	@echo 'make figures    pictures of augmentations and hard examples into build/figures/ (trains for some minutes)'
	@echo 'make test       set up, build, and run all checks and tests'
	@echo 'make laboratory train and compare methods; docs/results/ [EXPERIMENT=laboratory/experiments/phantom.json] [LABORATORY="--data acdc=/path"]'
	@echo 'make bench      compare with PyTorch, ONNX Runtime and others; build/bench.json [BENCH=--quick]'
	@echo 'make test-itk, test-slicer, test-matlab, test-java   the tests of one binding alone'
	@echo 'make fuzz       inputs that nobody would write, for SECONDS (60) per target; failures in build/fuzz/failures'
	@echo 'make scale      how time and memory grow; build/scale.json, build/scale/*.svg [SCALE=--quick]'
	@echo 'make setup      libtorch, CMake, Ninja and pkgconf into .deps/ [LIBTORCH=/path] [CUDA=1] [PYTHON=/path]'
	@echo 'make build      libcoopseg.so into build/lib/'
	@echo 'make install    the library, headers and packages into PREFIX (build/prefix) [LIBTORCH_DIR=/path] [BUNDLE=1]'
	@echo 'make package    a .tar.gz and a .deb into build/ [LIBTORCH_DIR=where libtorch will be] [BUNDLE=1: libtorch too]'
	@echo 'make wheel      the Python package into build/'
	@echo 'make header     write coopseg.h, loader/forward.c and tests/abi/exported_symbols.txt from the sources'
	@echo 'make third-party write THIRD-PARTY.txt after a change of Cargo.lock'
	@echo 'make symbols    write tests/abi/exported_symbols.txt alone'
	@echo 'make clean      delete build/ and target/; make distclean deletes .deps/ too'

setup:
	@LIBTORCH='$(LIBTORCH)' CUDA='$(CUDA)' scripts/setup

build: setup
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_PREFIX='$(abspath $(BUILD))/prefix' \
		-DCOOPSEG_LIBTORCH_DIR='$(or $(LIBTORCH_DIR),auto)' \
		-DCOOPSEG_BUNDLE_LIBTORCH=$(if $(BUNDLE),ON,OFF) >/dev/null
	@cmake --build $(BUILD) --target coopseg_cargo coopseg_loader

install: build
	@cmake --install $(BUILD) --prefix '$(PREFIX)' >/dev/null
	@echo '==> installed into $(PREFIX)'

demo: install
	@cmake -S examples/c -B $(BUILD)/examples/c -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$$(realpath '$(PREFIX)')" >/dev/null
	@cmake --build $(BUILD)/examples/c
	$(BUILD)/examples/c/quickstart --data '$(DATA)' --output $(BUILD)/demo

train: install
	@test -n '$(DATA)' || { echo 'make train needs DATA=the folder or list of your subjects.' >&2; exit 1; }
	@cmake -S examples/c -B $(BUILD)/examples/c -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$$(realpath '$(PREFIX)')" >/dev/null
	@cmake --build $(BUILD)/examples/c
	$(BUILD)/examples/c/train '$(DATA)' '$(OUTPUT)' $(if $(CONFIG),'$(CONFIG)')

# Of its own, so that it neither uses nor disturbs an experiment's training.
FIGURES_FOLDERS := --results $(BUILD)/figures/results --work $(BUILD)/figures/work

figures: install
	$(CARGO) run --release --locked --quiet --example figures -- $(BUILD)/figures
	@laboratory/setup
	$(LABORATORY_COMMAND) run $(PHANTOM) --methods proposed --seeds 0 --train-only $(FIGURES_FOLDERS)
	$(LABORATORY_COMMAND) figures $(PHANTOM) $(FIGURES_FOLDERS) --output $(BUILD)/figures

# What a binding is for may not be on this machine; which tests were skipped for that is said at the end.
SKIPPED := $(BUILD)/skipped
COUNTERPART := tests/counterpart.sh $(SKIPPED)

test: forget-skipped lint test-rust test-c check-symbols test-consumer test-python test-itk test-slicer test-matlab test-java test-laboratory
	@if [ -e $(SKIPPED) ]; then \
		echo "==> all checks and tests passed; skipped: $$(sort -u $(SKIPPED) | paste -sd ' ')"; \
	else echo '==> all checks and tests passed, none skipped'; fi

forget-skipped:
	@rm -f $(SKIPPED)

lint: setup
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || \
		{ echo 'make test needs rustfmt and clippy; add them (rustup component add rustfmt clippy).' >&2; exit 1; }
	$(CARGO) fmt --check
	scripts/third_party.py --check
	scripts/forbid_panics.py $(BUILD)/clippy
	CLIPPY_CONF_DIR=$(BUILD)/clippy $(CARGO) clippy --release --locked --all-targets -- -D warnings

test-rust: setup
	$(CARGO) test --release --locked

test-c: build
	@cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure

check-symbols: build
	tests/abi/check.sh $(BUILD)/lib

test-consumer: build
	@$(COUNTERPART) dpkg tests/consumer/run.sh $(BUILD)

test-python: install
	@bindings/python/tests/setup
	@export COOPSEG_LIBRARY=$(INSTALLED_LIBRARY); cd bindings/python && ../../.deps/python/bin/python -B -m pytest
	@cd bindings/python && ../../.deps/python/bin/mypy --cache-dir ../../.deps/python/mypy

test-itk: install
	@$(COUNTERPART) ITK bindings/itk/test/run.sh '$(PREFIX)' $(BUILD)/itk

test-slicer: install
	@bindings/slicer/tests/setup
	@$(COUNTERPART) Slicer bindings/slicer/tests/run.sh '$(PREFIX)' $(BUILD)/slicer

test-matlab: install
	@$(COUNTERPART) Octave bindings/matlab/tests/run.sh '$(PREFIX)' $(BUILD)/matlab

test-java: install
	@$(COUNTERPART) Java examples/java/test.sh '$(PREFIX)' $(BUILD)/java

test-laboratory: install
	@laboratory/setup --tests
	@export COOPSEG_LIBRARY=$(INSTALLED_LIBRARY); cd laboratory && ../.deps/laboratory/bin/python -B -m pytest
	@cd laboratory && ../.deps/laboratory/bin/mypy --cache-dir ../.deps/laboratory/mypy

laboratory: install
	@laboratory/setup
	$(LABORATORY_COMMAND) run '$(EXPERIMENT)' --report $(LABORATORY)

wheel: setup
	@bindings/python/tests/setup
	@cmake -S . -B $(BUILD)/wheel -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCMAKE_INSTALL_LIBDIR=lib -DCOOPSEG_LIBTORCH_DIR='$$ORIGIN/../torch/lib' >/dev/null
	@cmake --build $(BUILD)/wheel
	@cmake --install $(BUILD)/wheel --prefix $(BUILD)/wheel/prefix >/dev/null
	@COOPSEG_LIBRARY='$(abspath $(BUILD))/wheel/prefix/lib/libcoopseg.so' .deps/python/bin/python -m build --wheel --no-isolation -o $(BUILD) bindings/python

bench-programs: install
	@bench/setup
	@cmake -S bench -B $(BUILD)/bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$$(realpath '$(PREFIX)')" >/dev/null
	@cmake --build $(BUILD)/bench

bench: bench-programs
	PYTHONPYCACHEPREFIX=$(BUILD)/bench/pycache .deps/bench/bin/python bench/run.py $(BENCH)

scale: bench-programs
	PYTHONPYCACHEPREFIX=$(BUILD)/bench/pycache .deps/bench/bin/python bench/scale.py $(SCALE)

fuzz: setup
	scripts/fuzz $(or $(SECONDS),60) $(TARGETS)

header: setup
	COOPSEG_UPDATE_HEADER=1 $(CARGO) test --release --locked --test library -- header forward
	@$(MAKE) --no-print-directory symbols

third-party: setup
	scripts/third_party.py

symbols: build
	tests/abi/check.sh $(BUILD)/lib --update

# On the machines that a package is for, libtorch is elsewhere: beside the library, or in LIBTORCH_DIR.
package: setup
	@cmake -S . -B $(BUILD)/package -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DCOOPSEG_LIBTORCH_DIR='$(LIBTORCH_DIR)' \
		-DCOOPSEG_BUNDLE_LIBTORCH=$(if $(BUNDLE),ON,OFF) >/dev/null
	@cmake --build $(BUILD)/package
	@cd $(BUILD)/package && cpack -G 'TGZ;DEB' -B ..

clean:
	rm -rf $(BUILD) target

distclean: clean
	rm -rf .deps
