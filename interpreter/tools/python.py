"""Python functions as tools, loaded from a file."""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from interpreter.tools.calling import Function


class ToolError(ValueError):
    """A file or function that cannot be offered to a model; the message says what to do."""


def load_functions(path: Path) -> dict[str, Function]:
    """Return the public functions that a Python file defines itself, in their order.

    Args:
        path: The file. It is executed.

    Raises:
        ToolError: There is no such file, it fails, or it defines no public function.
    """
    if not path.is_file():
        raise ToolError(f"{path}: there is no such file; give a Python file with functions")
    spec = importlib.util.spec_from_file_location(f"cml_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ToolError(f"{path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # its exit too is a fault of the file, and not our end
        raise ToolError(f"{path}: {type(error).__name__}: {error}") from error
    functions = _public_functions(module)
    if not functions:
        raise ToolError(f"{path}: defines no public function; a tool is a function without _")
    return functions


def _public_functions(module: ModuleType) -> dict[str, Function]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }
