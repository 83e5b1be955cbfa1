"""The table of all commands: each with the place that it is imported from when it is called."""

from typing import Final

import click

import cml
from cml.terminal.entry import Entry, LazyGroup

_ABOUT: Final = (
    "Context Markup Language: validate, replay, simulate and run asynchronous function calling."
)
COMMANDS: Final = {
    "validate": Entry(
        "interpreter.commands.traces:validate_command",
        "Check contexts and traces; - is standard input.",
    ),
    "parse": Entry(
        "cml.tools.commands:parse_command",
        "Print the tree of a context: its text, calls, interrupts and traps, with their places.",
    ),
    "explain": Entry(
        "cml.tools.commands:explain_command",
        "Print what the specification says of a rule, with its examples.",
    ),
    "vectors": Entry(
        "model_adapters.conformance.vectors_command:vectors_command",
        "Hold another implementation to the test vectors.",
    ),
    "replay": Entry(
        "interpreter.commands.traces:replay_command",
        "Run a recorded session again under the virtual clock, and compare the rows.",
    ),
    "diff": Entry(
        "interpreter.commands.traces:diff_command",
        "Show the first row in which two traces differ, with the rows before it.",
    ),
    "explore": Entry(
        "interpreter.commands.traces:explore_command",
        "Try every interleaving of the program in FILE, and check every state.",
    ),
    "timeline": Entry(
        "interpreter.page.command:timeline_command",
        "Draw the run of TRACE over time: what the model wrote, what ran, what waited.",
    ),
    "advise": Entry(
        "interpreter.schedule.commands.traces:advise_command",
        "Say what limited the run of TRACE, and what would have made it faster.",
    ),
    "view": Entry(
        "model_adapters.serving.traces.command:view_command",
        "Show TRACES on a page: the text, the calls over time, each row with its rule.",
    ),
    "simulate": Entry(
        "interpreter.schedule.commands.simulate:simulate_command",
        "Simulate the calls of WORKLOAD (JSON Lines; - reads standard input).",
    ),
    "run": Entry(
        "model_adapters.commands.run:run_command",
        "Answer PROMPT with a model that calls functions while it decodes.",
    ),
    "resume": Entry(
        "model_adapters.commands.resume:resume_command",
        "Go on with the session of TRACE, whose process died, and write on in TRACE.",
    ),
    "journals": Entry(
        "interpreter.commands.journals:journals_command",
        "List the sessions that the database PLACE keeps, or the one that PLACE names.",
    ),
    "chat": Entry(
        "model_adapters.commands.chat:chat_command",
        "Talk with a model that calls functions, from PROMPT on, or from the first line that you say.",
    ),
    "serve": Entry(
        "model_adapters.serving.command:serve_command",
        "Serve a model that calls functions while it decodes: a page, an API, a chat endpoint.",
    ),
    "conformance": Entry(
        "model_adapters.commands.conformance:conformance_command",
        "Check whether BACKEND does asynchronous calls right, with the model forced along scripts.",
    ),
    "calibrate": Entry(
        "model_adapters.commands.calibrate:calibrate_command",
        "Measure what decoding with BACKEND (the embedded model by default) costs on this machine,"
        " and keep it.",
    ),
    "import": Entry(
        "model_adapters.commands.exchange:import_command",
        "Make a trace of a session that FILE holds in another FORMAT, or validate it.",
    ),
    "export": Entry(
        "model_adapters.commands.exchange:export_command",
        "Write TRACE in another FORMAT: otel (spans, one JSON object a line) or perfetto.",
    ),
    "audit": Entry(
        "model_adapters.audit.command:audit_command",
        "Say what the markers cost in TOKENIZER, and what could go wrong with them.",
    ),
    "dataset": Entry(
        "model_adapters.training.commands.dataset:dataset_command",
        "Write dialogues of an ideal model that calls functions while it decodes.",
    ),
    "train": Entry(
        "model_adapters.training.commands.train:train_command",
        "Train a model on the dialogues of DATA, so that it speaks CML.",
    ),
    "evaluate": Entry(
        "model_adapters.training.commands.evaluate:evaluate_command",
        "Measure how well the model of BACKEND speaks CML.",
    ),
    "workload": Entry(
        "model_adapters.commands.workload:workload_command",
        "Write the workloads of NAME, one a line, for `cml simulate`.",
    ),
    "reproduce": Entry(
        "model_adapters.commands.reproduce:reproduce_command",
        "Write a report, Markdown and HTML, that puts each published figure of PAPER beside ours.",
    ),
}


def cml_command() -> click.Group:
    """Return the `cml` command."""
    return LazyGroup("cml", _ABOUT, COMMANDS, [_version_option()])


def _version_option() -> click.Option:
    def show(context: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            click.echo(f"cml, version {cml.__version__}")
            context.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )
