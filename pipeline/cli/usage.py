"""Wrong usage of the command line in one message: what is wrong, what is allowed, and what was probably meant."""

import contextlib
import difflib
import io
import re
import typing
from collections.abc import Callable, Sequence

from tyro import _errors as events  # the hook is not public yet: an event that is not known here is reported by tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from components.errors import UsageFailure

REGISTRY = ConstructorRegistry()

_KINDS = {"INT": "a whole number", "FLOAT": "a number"}
_QUOTED = "'([^']*)'"


@REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[typing.Any] | None:
    """Shows an optional value as "FLOAT|None" instead of "{None}|FLOAT", and choices in the order of their Literal."""
    match typing.get_args(info.type):
        case [kind, none] if none is type(None):
            names = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
            make = str if names else kind
            if isinstance(make, type):
                return PrimitiveConstructorSpec(
                    nargs=1,
                    metavar="|".join([*(names or ["STR" if make is str else make.__name__.upper()]), "None"]),
                    instance_from_str=lambda words: None if words[0].lower() == "none" else make(words[0]),
                    is_instance=lambda value: value is None or isinstance(value, make),
                    str_from_instance=lambda value: [str(value)],
                    choices=(*names, "None") if names else None,
                )
    return None


def parse(arguments: Sequence[str], parse_with_tyro: Callable[[Sequence[str]], typing.Any]) -> typing.Any:
    """Parses a command line.

    Args:
        arguments: Of the command line.
        parse_with_tyro: Parses arguments with tyro, which prints help and errors.

    Raises:
        UsageFailure: The arguments are wrong.
    """

    def reject(event: events.ParseErrorEvent) -> None:
        if message := _describe(event, arguments, parse_with_tyro):
            raise UsageFailure(message)

    try:
        with events.on_parse_error(reject):
            return parse_with_tyro(arguments)
    except ValueError as error:  # of a check of the whole configuration
        raise UsageFailure(f"{error}.") from None


def suggest(word: str, choices: Sequence[str]) -> str:
    """Returns the question for the choice that a mistyped word resembles; empty if it resembles none."""
    found = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _describe(
    event: events.ParseErrorEvent, arguments: Sequence[str], parse_with_tyro: Callable[[Sequence[str]], typing.Any]
) -> str | None:
    match event:
        case events.UnrecognizedArgs(tokens=[token, *_]) | events.MissingArgs(unrecognized_tokens=[token, *_]):
            return _describe_unknown(token, arguments, parse_with_tyro)
        case events.InvalidChoice(argument=argument, value=value, choices=choices):
            name = "the command" if argument.is_positional() else _name(argument)
            return f"{name} is {value}; it must be {_join(choices)}."
        case events.MissingSubcommand(prog=prog, subcommand_spec=commands):
            return f"name a command after `{prog}`: {', '.join(commands.parser_from_name)}."
        case events.MissingArgs(prog=prog, missing_arguments=missing):
            command = f"{prog} {missing[0].source_parser.prog_suffix}".strip()
            names = [_name(each.arg) for each in missing]
            is_command = names[0].isalpha() and names[0].islower()
            given = f"{' and '.join(names)} must be given; see `{command} --help`."
            return f"name a command after `{command}`: {names[0]}." if is_command else given
        case events.BadValue(argument=argument):
            return f"{_name(argument)} must have a value."
        case events.InstantiationFailure(argument=None, message=message):
            return f"{message.rstrip('.')}."
        case events.InstantiationFailure(argument=argument, message=message) if argument is not None:
            kinds = re.findall("INT|FLOAT|None", str(argument.lowered.metavar)) or ["INT"]
            allowed = " or ".join(dict.fromkeys(_KINDS.get(kind, kind) for kind in kinds))
            quoted = re.findall(_QUOTED, message)
            return f"{_name(argument)}{f' is {quoted[-1]}' if quoted else ''}; it must be {allowed}."
    return None


def _join(choices: Sequence[str]) -> str:
    """Returns choices as words, without None."""
    names = [choice for choice in choices if choice != "None"]
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _describe_unknown(
    token: str, arguments: Sequence[str], parse_with_tyro: Callable[[Sequence[str]], typing.Any]
) -> str:
    """Describes an option or a command that does not exist, with one of the help that it resembles."""
    words = [word for word in arguments if not word.startswith("-") and word != token]
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        parse_with_tyro([*words[:2], "--help"])
    usage, _, options = shown.getvalue().partition("\n")
    command = usage.removeprefix("usage: ").partition(" [")[0]
    if token.startswith("-"):
        similar = suggest(token, re.findall(r"--[a-z][a-z0-9.-]+", options))
        return f"there is no option {token}{similar or f'; see `{command} --help`.'}"
    commands = re.findall(r"[a-z]+", usage.rpartition(" {")[2]) if usage.endswith("}") else []
    choices = f"; choose one of {', '.join(commands)}." if commands else f"; see `{command} --help`."
    return f"there is no {'command' if commands else 'argument'} {token}{suggest(token, commands) or choices}"


def _name(argument: typing.Any) -> str:
    """Returns the option of an argument, or the metavar of a positional one."""
    return str(argument.lowered.name_or_flags[0]) if not argument.is_positional() else str(argument.lowered.metavar)
