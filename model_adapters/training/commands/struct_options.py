"""Options that are the fields of a struct: name, type, range, default and help are told there, once."""

import math
from collections.abc import Callable, Collection
from typing import Final, TypeAlias, TypeVar

import click
import docstring_parser
import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo

Shape = TypeVar("Shape", bound=msgspec.Struct)
Command = TypeVar("Command", bound=Callable[..., object])

_GIVEN: Final = f"{__name__}.given"
_OptionType: TypeAlias = (
    "type[int] | click.IntRange | click.FloatRange | click.Choice[str]"  # bool is an int
)


class _Number(click.FloatRange):
    """A number within a range: `nan` is in none, though it is not without either."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number to reckon with", param, ctx)
        return number


def options_of(shape: type[msgspec.Struct], *names: str) -> Callable[[Command], Command]:
    """Return what gives a command an option for each field of a struct; `chosen` makes one of them.

    Args:
        shape: The struct. Its types say what an option takes, and its docstring is the help.
        names: The fields that become options; all, where none is named.
    """
    parts = docstring_parser.parse(shape.__doc__ or "").params
    helps = {part.arg_name: " ".join((part.description or "").split()) for part in parts}
    fields = [each for each in msgspec.structs.fields(shape) if not names or each.name in names]

    def with_options(command: Command) -> Command:
        for field in reversed(fields):
            command = _option(field, helps[field.name])(command)
        return command

    return with_options


def chosen(shape: type[Shape]) -> Shape:
    """Return the struct that the command line asks for; what is no option is as by default."""
    given = click.get_current_context().meta[_GIVEN]
    names = [field.name for field in msgspec.structs.fields(shape)]
    return shape(**{name: given[name] for name in names if name in given})


def command_line(without: Collection[str]) -> str:
    """Return the command that runs, with the value of each of its options that has one.

    Args:
        without: The options that change nothing in what comes out.
    """
    context = click.get_current_context()
    values = {**context.params, **context.meta.get(_GIVEN, {})}
    options = [each for each in context.command.params if isinstance(each, click.Option)]
    words = (_spelled(each, values[each.name]) for each in options if each.name not in without)
    return " ".join((context.command_path, *filter(None, words)))


def _option(field: FieldInfo, told: str) -> Callable[[Command], Command]:
    kind, spelled = inspect.type_info(field.type), field.name.replace("_", "-")
    return click.option(
        f"--{spelled}/--no-{spelled}" if isinstance(kind, inspect.BoolType) else f"--{spelled}",
        type=_click_type(kind),
        default=field.default,
        show_default=field.default is not None,
        help=told,
        expose_value=False,
        callback=_keep,
    )


def _click_type(kind: inspect.Type) -> _OptionType:
    match kind:
        case inspect.BoolType():
            return bool
        case inspect.IntType(ge=None, le=None):
            return int
        case inspect.IntType(ge=least, le=most):
            return click.IntRange(least, most)
        case inspect.FloatType(gt=above, ge=least, le=most):
            return _Number(least if above is None else above, most, above is not None)
        case inspect.LiteralType(values=words):
            return click.Choice([str(word) for word in words])
        case inspect.UnionType(types=(inner, inspect.NoneType())):
            return _click_type(inner)
        case _:
            raise TypeError(f"no option can be made of {kind}")


def _keep(context: click.Context, option: click.Parameter, value: object) -> object:
    context.meta.setdefault(_GIVEN, {})[option.name] = value
    return value


def _spelled(option: click.Option, value: object) -> str:
    match value:
        case None:
            return ""
        case True:
            return option.opts[0]
        case False:
            return option.secondary_opts[0] if option.secondary_opts else ""
        case float():
            return f"{option.opts[0]} {value:g}"
        case _:
            return f"{option.opts[0]} {value}"
