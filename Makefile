# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A module is compiled when it is first imported: most of those of large packages never are. What was compiled is kept,
# whatever the shell says of it: hundreds of processes of the tests import the same modules.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --constraint constraints.txt

# Each process takes one half, in order, and then a part of what is left of the other's: models, servers and databases
# that a file needs are begun once.
TWO_AT_A_TIME := --numprocesses 2 --dist worksteal

.PHONY: demo test test-slow test-long lint docs pictures speaker clean

# Where everything is installed for the tests, the demo needs nothing more.
demo: $(or $(wildcard $(VENV)/.test),$(VENV)/.demo)
	$(BIN)/cml run "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather." \
	    --tools examples/travel_tools.py --trace demo.trace.jsonl --yes

test: $(VENV)/.test
	$(BIN)/pytest $(TWO_AT_A_TIME)

# What takes seconds: real models, servers, browsers.
test-slow: $(VENV)/.test
	$(BIN)/pytest $(TWO_AT_A_TIME) -m "slow and not long"

# What takes minutes: clusters, databases, kills, mutants; and every property test again with five times the examples,
# others each time.
test-long: $(VENV)/.test
	$(BIN)/pytest -m long
	$(BIN)/pytest $(TWO_AT_A_TIME) -m hypothesis --hypothesis-profile thorough

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
	$(PIP) --editable ".[hf,train,llamacpp,openai,bfcl,optimal,plot,dask,mcp,chat,page,pandas,polars,otel,postgres,conformance,docs,dev]"
	touch $@

docs: $(VENV)/.test
	$(BIN)/sphinx-build -W --keep-going -q -b html docs/api build/api

pictures: $(VENV)/.test
	$(BIN)/cml simulate examples/trip_workload.jsonl --costs llama-3.2-3b-rtx4090 \
	    --model sync,sync-parallel,async-naive,async,futures --plot docs/pictures/execution_models.png
	$(BIN)/python docs/pictures/page.py

# The weights of the embedded speaker, from nothing: hours on two cores. Called again, it goes on.
SPEAKER := build/speaker
MINUTES ?= 300

speaker: $(VENV)/.test $(SPEAKER)/data/train.jsonl
	$(BIN)/cml train $(SPEAKER)/data/train.jsonl -o $(SPEAKER) --minutes $(MINUTES) --threads 2 --yes
	cp $(SPEAKER)/speaker.safetensors $(SPEAKER)/README.md model_adapters/embedded/speaker/
	$(BIN)/cml evaluate auto --report $(SPEAKER)/report.md
	$(BIN)/python benchmarks/ten_questions.py

$(SPEAKER)/data/train.jsonl:
	$(BIN)/cml dataset -o $(SPEAKER)/data --dialogues 20000 --yes

clean:
	rm -rf $(VENV) build dist *.trace.jsonl
