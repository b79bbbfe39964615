# Two verbs do everything on a fresh machine: `make reports` and `make test`. The others are for maintainers.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: reports test endure proof verify bench bench-growth lock sample clean

reports: .venv/installed
	$(BIN)/workbook run data/samples/field_sales

test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Kills a run at twenty moments, resumes it and compares every byte; some minutes.
endure: .venv/installed
	$(BIN)/python -m pytest -m long

# A thousand made-up companies whose truth is known: do intervals hold it as often as they promise? docs/verification.md.
proof: .venv/installed
	$(BIN)/python -m pytest -n 2 -m proof tests/proof

# Figures that others published, beside ours from the same data: docs/verification.md. Half a minute.
verify: .venv/installed
	$(BIN)/python -m pytest tests/verification
	$(BIN)/python -m tests.verification

# The environment, exactly as locked; made again when the lock or the package's settings change.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 reports")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# What a report costs, beside what it may cost: docs/speed.md. Within 40 minutes; growth takes about two hours more.
bench: .venv/installed
	$(BIN)/python -m tests.benchmarks

bench-growth: .venv/installed
	$(BIN)/python -m tests.benchmarks --only growth

# Writes the two bundled samples again from their seeds.
sample: .venv/installed
	$(BIN)/python data/samples/generate_field_sales.py
	$(BIN)/python data/samples/generate_subscriptions.py

lock: .venv/installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv build *.egg-info reports/*/
