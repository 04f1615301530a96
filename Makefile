# Every target sets itself up: a checkout, Python >= 3.11, a Rust toolchain >= 1.91 and make are all it takes.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
export CARGO_TERM_COLOR ?= never

# make demo BAM=… REF=… REGION=chr1:1-10000
BAM ?=
REF ?=
REGION ?=
# make compare N=… SEED=… RULES=all (all: every tool that is installed)
N ?= 1000
SEED ?= 1
RULES ?= samtools

# make bench ROWS='mtb, mpileup' ROUNDS=3: only rows whose label holds this pattern; the pages are left as they are.
ROWS ?=
ROUNDS ?=

# make mutations MUTATIONS=… FIRST=…
MUTATIONS ?= 20000
FIRST ?= 0

# make fuzz TARGET=record RUNS=1000000: frame, header, record, bai, csi, fai, region, bed.
TARGET ?= record
RUNS ?= 1000000
# make soak SECONDS=…: how long the mixed part of it takes.
SECONDS ?= 3600

.PHONY: help demo test lint types fmt rust-test wheel-test python-test wheel compare oracle bench bench-quick mutations fuzz soak deny audit clean

help:
	@echo "make demo      coverage of a simulated sample (or BAM=… REF=… REGION=…), with a plot"
	@echo "make test      lint and every test"
	@echo "make wheel     a release wheel in dist/"
	@echo "make compare   N=$(N) random samples from SEED=$(SEED) on against the slow twin and samtools"
	@echo "make oracle    the recorded outputs of other tools, compared with the tools that are installed"
	@echo "make fuzz      RUNS=$(RUNS) inputs for TARGET=$(TARGET) (fuzz/README.md); make soak: the long tests of a process's life"
	@echo "make deny      licences and sources of all crates, if cargo-deny is installed; make audit ADVISORIES=…: with cargo-audit"
	@echo "make bench     speed beside the floor and other programs, into docs/performance.md and README.md (or ROWS=… ROUNDS=…)"
	@echo "make bench-quick   the rows that matter most"
	@echo "make mutations MUTATIONS=$(MUTATIONS) damaged files: an error, or the sum samtools gives"
	@echo "make lint, make fmt, make clean"

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11 is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/tools: tests/requirements.txt | $(VENV)/bin/python
	$(PIP) install -r tests/requirements.txt
	touch $@

# The package as users get it: a wheel, built once per change of its sources.
SOURCES := $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi') Cargo.toml Cargo.lock pyproject.toml
target/wheels/built: $(SOURCES) $(VENV)/tools
	rm -rf target/wheels
	$(VENV)/bin/maturin build --quiet --release --interpreter $(VENV)/bin/python --out target/wheels
	touch $@

$(VENV)/fastcov: target/wheels/built
	$(PIP) install --force-reinstall --no-deps target/wheels/*.whl
	touch $@

demo: $(VENV)/fastcov
	$(VENV)/bin/python examples/demo.py $(if $(BAM),--bam "$(BAM)") $(if $(REF),--ref "$(REF)") $(if $(REGION),--region "$(REGION)")

test: lint rust-test wheel-test python-test

lint: $(VENV)/tools types
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --all-targets --features python -- -D warnings
	$(VENV)/bin/ruff check python tests examples benches fuzz
	$(VENV)/bin/ruff format --check python tests examples benches fuzz

# The package and tests/python/typed_calls.py, as pyproject.toml says. It needs no extension module: _fastcov.pyi describes it.
types: $(VENV)/tools
	$(VENV)/bin/mypy
	$(VENV)/bin/basedpyright --level error

fmt: $(VENV)/tools
	cargo fmt
	cargo fmt --manifest-path fuzz/Cargo.toml
	$(VENV)/bin/ruff check --fix python tests examples benches fuzz
	$(VENV)/bin/ruff format python tests examples benches fuzz

# More threads than cores, so that the order in which parts come is shaken. Twice: with overflow and other debug checks, and fast.
rust-test:
	FASTCOV_NUM_THREADS=5 cargo test --quiet --lib
	FASTCOV_NUM_THREADS=5 cargo test --quiet --release
	cargo bench --quiet --bench kernels -- --test

# The wheel in an empty environment, used from a folder that is not the checkout.
wheel-test: target/wheels/built
	rm -rf target/wheel-test && $(PYTHON) -m venv target/wheel-test
	target/wheel-test/bin/python -m pip --disable-pip-version-check --quiet install target/wheels/*.whl
	cp examples/simulate.py tests/tools/use_wheel.py target/wheel-test/
	cd target/wheel-test && bin/python -I use_wheel.py

python-test: $(VENV)/fastcov
	cargo build --quiet --release --examples
	$(VENV)/bin/python -m mypy.stubtest fastcov._fastcov
	$(VENV)/bin/python -m pytest

wheel: $(VENV)/tools
	$(VENV)/bin/maturin build --profile dist --interpreter $(VENV)/bin/python --out dist

compare: $(VENV)/fastcov
	$(VENV)/bin/python tests/tools/compare.py --count $(N) --seed $(SEED) --rules $(RULES)

# The commands recorded in tests/oracle/, again, of the tools that are installed.
oracle: $(VENV)/tools
	$(VENV)/bin/python tests/tools/record_oracle.py

BENCH = $(VENV)/bin/python benches/bench.py $(if $(ROWS),--rows "$(ROWS)") $(if $(ROUNDS),--rounds $(ROUNDS))
bench: $(VENV)/fastcov
	$(BENCH) $(if $(ROWS),,--write)

bench-quick: $(VENV)/fastcov
	$(BENCH) --quick
mutations: $(VENV)/fastcov
	$(VENV)/bin/python tests/tools/mutations.py --count $(MUTATIONS) --seed $(FIRST) --keep compare-output/mutations

# Coverage-guided, with libFuzzer and a stable toolchain. What is found is kept in fuzz/finds/.
FUZZ_TRIPLE := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing
FUZZ_OPTIONS := -runs=$(RUNS) -max_len=3000 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 -artifact_prefix=fuzz/finds/
fuzz:
	mkdir -p fuzz/finds fuzz/corpus/$(TARGET)
	cargo run --quiet --release --example fuzz_seeds fuzz/corpus
	cd fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --quiet --release --locked --target $(FUZZ_TRIPLE) --bin $(TARGET)
	fuzz/target/$(FUZZ_TRIPLE)/release/$(TARGET) $(FUZZ_OPTIONS) fuzz/corpus/$(TARGET) > fuzz/log 2>&1 || (cat fuzz/log; false)
	@echo "$(TARGET): $$(sed -n 's/stat::number_of_executed_units: *//p' fuzz/log) executions, $$(ls fuzz/finds | wc -l) finds in fuzz/finds/"

# An hour of everything at once, the long versions of tests/python/test_process.py, and every allocation of 20 files failing.
soak: $(VENV)/fastcov
	FASTCOV_SHORT_MEMORY_FILES=20 cargo test --quiet --release --test short_memory
	FASTCOV_SOAK=1 FASTCOV_SOAK_SECONDS=$(SECONDS) $(VENV)/bin/python -m pytest -s tests/python/test_process.py

deny:
	cargo deny --offline check licenses bans sources

# Known faults of the crates: make audit ADVISORIES=a checkout of the RustSec database, so that nothing is fetched unasked.
ADVISORIES ?=
audit:
	test -d "$(ADVISORIES)" || (echo "make audit needs ADVISORIES=FOLDER, a checkout of the RustSec advisory database" && false)
	cargo audit --no-fetch --db "$(ADVISORIES)"
	cd fuzz && cargo audit --no-fetch --db "$(abspath $(ADVISORIES))"

clean:
	rm -rf $(VENV) target dist demo-output compare-output
