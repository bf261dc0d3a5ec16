# All set-up is done by the targets themselves: Python 3.11 or newer, pip and make are enough.
PYTHON ?= python3
BIN := .venv/bin
DEMO_STORE := .venv/demo-store
DEMO_PAGE := .venv/example.com.html

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check format bench docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("dmarcscope needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable . --constraint constraints.txt
	@touch $@

.venv/developing: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]' --constraint constraints.txt
	@touch $@

demo: .venv/installed ## who sends as the sample domain, what to do, and its weekly page
	@rm -rf $(DEMO_STORE)
	@$(BIN)/dmarcscope ingest sample_reports/reports --store $(DEMO_STORE) || test $$? -eq 1
	@echo
	@$(BIN)/dmarcscope resolve --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)
	@printf '\n$$ dmarcscope senders example.com\n'
	@$(BIN)/dmarcscope senders example.com --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)
	@printf '\n$$ dmarcscope changes example.com\n'
	@$(BIN)/dmarcscope changes example.com --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)
	@printf '\n$$ dmarcscope fixes example.com\n'
	@$(BIN)/dmarcscope fixes example.com --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)
	@echo
	@$(BIN)/dmarcscope summary example.com --html $(DEMO_PAGE) --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)
	@echo "Open it in a browser: it is what the owner of the domain gets every week."
	@echo
	@echo "This was a throw-away store. More of it:  $(BIN)/dmarcscope readiness example.com --config sample_reports/dmarcscope.toml --store $(DEMO_STORE)"
	@echo "Now your own reports:  $(BIN)/dmarcscope ingest PATH"

test: .venv/developing ## every test but the long ones
	$(BIN)/pytest -q -n auto -m 'not long'

test-long: .venv/developing ## the long tests
	$(BIN)/pytest -q -m long

check: .venv/developing ## lint, types, layers, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py tests/test_docs.py

format: .venv/developing ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/developing ## make the generated documents anew
	$(BIN)/python docs/generate.py

bench: .venv/developing ## measure, and write benchmarks/RESULTS.md
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]' --constraint constraints.txt
	$(BIN)/python -m benchmarks.run

clean: ## remove what was made
	rm -rf .venv .mypy_cache .ruff_cache benchmarks/data
