# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow lint docs pictures clean

demo: $(VENV)/.demo
	$(BIN)/cml run "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather." \
	    --tools examples/travel_tools.py --min-calls 3 --max-calls 3 --deliver idle --trace demo.trace.jsonl --yes

test: $(VENV)/.test
	$(BIN)/pytest --numprocesses 2

# The slow tests, and every property test again with five times the examples.
test-slow: $(VENV)/.test
	$(BIN)/pytest --numprocesses 2 -m "slow or hypothesis" --hypothesis-profile thorough

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable ".[llamacpp]"
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable ".[hf,llamacpp,openai,bfcl,optimal,plot,dask,mcp,chat,pandas,polars,otel,conformance,docs,dev]"
	touch $@

docs: $(VENV)/.test
	$(BIN)/sphinx-build -W --keep-going -q -b html docs/api build/api

pictures: $(VENV)/.test
	$(BIN)/cml simulate examples/trip_workload.jsonl --costs llama-3.2-3b-rtx4090 \
	    --model sync,sync-parallel,async-naive,async,futures --plot docs/pictures/execution_models.png

clean:
	rm -rf $(VENV) build dist *.trace.jsonl
