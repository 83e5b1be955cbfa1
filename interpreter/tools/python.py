"""Python functions as tools, loaded from a file."""

import ast
import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final, TypeGuard

import msgspec

from interpreter.tools.declared import ToolError, declaration_of
from interpreter.tools.signature import Function, reading_of

_HINTS: Final = frozenset({"typing", "typing_extensions", "types"})


class ToolFile(msgspec.Struct, frozen=True):
    """What a file offers.

    Args:
        functions: The tools, by name, in the order of the file.
        left_out: What could be called and is no tool all the same, by name, and why.
    """

    functions: dict[str, Function]
    left_out: dict[str, str]


def load_tools(path: Path) -> ToolFile:
    """Return the tools that a Python file defines itself: whatever it can call by a public name.

    Functions, methods, partials and objects that can be called count; classes and what the file
    imports do not. One that cannot be taken is left out, and it is said why.

    Args:
        path: The file. It is executed, with its folder on the path of imports, as a script is.

    Raises:
        ToolError: There is no such file, it fails, or it defines no tool.
    """
    module = _executed(path)
    names = _own_names(path.read_bytes())  # bytes: the file itself says how it is encoded
    found: dict[str, object] = {name: getattr(module, name, None) for name in names}
    callables = {name: value for name, value in found.items() if _is_callable(value)}
    left_out = {name: why for name, value in callables.items() if (why := _fault(value))}
    functions: dict[str, Function] = {}
    for name, value in callables.items():
        own = declaration_of(value).name or name
        if name not in left_out and own in functions:
            left_out[name] = f"another tool is called {own}"
        elif name not in left_out:
            functions[own] = value
    if not functions:
        reasons = "".join(f"; {name}: {why}" for name, why in left_out.items())
        raise ToolError(
            f"{path}: defines no public function; a tool is a function without _{reasons}"
        )
    return ToolFile(functions, left_out)


class ToolOfFile:
    """A tool of a file, to be carried to other processes: each executes the file itself, once.

    So whatever a file offers can be called there, closures and coroutines too. It counts as no
    coroutine function: it is awaited where it runs.

    Args:
        path: The file.
        name: Its name among the tools of the file.
        function: What the file offers by that name.
    """

    def __init__(self, path: Path, name: str, function: Function) -> None:
        functools.update_wrapper(self, function)
        self._place = path, name
        self._function = function

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Call it."""
        return self._function(*args, **kwargs)

    def __reduce__(self) -> tuple[Callable[[Path, str], Function], tuple[Path, str]]:
        """Return how another process gets it."""
        return _tool_of_file, self._place


@functools.cache
def _tools_of_file(path: Path) -> ToolFile:
    return load_tools(path)


def _tool_of_file(path: Path, name: str) -> Function:
    return _tools_of_file(path).functions[name]


def _executed(path: Path) -> ModuleType:
    if not path.is_file():
        raise ToolError(f"{path}: there is no such file; give a Python file with functions")
    spec = importlib.util.spec_from_file_location(f"cml_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ToolError(f"{path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # and it stays: functions import their neighbours when called
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # its exit too is a fault of the file, and not our end
        raise ToolError(f"{path}: {type(error).__name__}: {error}") from error
    return module


def _own_names(source: bytes) -> list[str]:
    """Return the public names that a file binds itself at its top level, in order."""
    names = (name for node in ast.parse(source).body for name in _bound(node))
    return list(dict.fromkeys(name for name in names if not name.startswith("_")))


def _bound(node: ast.stmt | ast.ExceptHandler) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.If() | ast.Try() | ast.TryStar() | ast.With() | ast.ExceptHandler():
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.stmt | ast.ExceptHandler):
                    yield from _bound(inner)
        case _:
            return


def _is_callable(value: object) -> TypeGuard[Function]:
    is_hint = type(value).__module__ in _HINTS
    return callable(value) and not isinstance(value, type) and not is_hint


def _fault(value: Function) -> str:
    """Return why something that can be called is no tool; empty, if it is one."""
    if isinstance(value, functools.partial) and isinstance(value.func, type):
        return "it makes an object of a class"
    try:
        if reading_of(value).signature or declaration_of(value).parameters:
            return ""
    except Exception as error:  # noqa: BLE001  a callable of somebody else's may raise anything
        return f"{type(error).__name__}: {error}"
    is_builtin = inspect.isbuiltin(value) or inspect.isclass(value)
    return "its parameters cannot be read" + (": it is built in" if is_builtin else "")
