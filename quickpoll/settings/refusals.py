"""What an operator is told of a bad setting: the variable, what is wrong, and what would do."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from secrets import token_bytes, token_hex
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from quickpoll.settings.service import Settings


class BadSettings(Exception):
    """A setting is missing or bad. The message is one line for the operator, and one more for each
    further thing that may be the reason."""

    def __init__(self, line: str, *more: str) -> None:
        super().__init__("\n".join((line, *more)))


def refusal_of(error: ValidationError, found: dict[str, Any]) -> str:
    """The line for the first thing that is wrong; ``found`` was set beside the environment."""
    variable, said = _blamed(error)
    for example in _examples(variable):
        if _would_do(variable, example, found):
            return refusal(variable, said, example=example)
    first = error.errors(include_url=False)[0]
    return refusal(variable, said, str(first["input"]) if first["loc"] else None)


def refusal(variable: str, said: str, given: str | None = None, example: str | None = None) -> str:
    """The line for one setting; without an ``example`` of its own it gets the first documented
    one that is not what was ``given``."""
    others = [one for one in _examples(variable) if one != given]
    shown = example or (others[0] if others else "")
    return f"QuickPoll cannot start: {variable}: {said}. Example: {variable}={shown}"


def _blamed(error: ValidationError) -> tuple[str, str]:
    """The variable that is at fault, and why."""
    first = error.errors(include_url=False)[0]
    if first["loc"]:
        variable = str(first["loc"][0]).upper()
        return variable, _sentence(variable, first)
    # A rule about several settings names the one that it blames.
    variable, _, said = first["msg"].removeprefix("Value error, ").partition(": ")
    return variable, said


def _sentence(variable: str, error: ErrorDetails) -> str:
    kind, bounds = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        return f"it is none of {', '.join(get_args(_field(variable).annotation))}"
    sentences = {
        "missing": "it is missing",
        "int_parsing": "it is not a whole number",
        "int_parsing_size": "it is not a whole number of a size that makes sense",
        "int_from_float": "it is not a whole number",
        "float_parsing": "it is not a number",
        "finite_number": "it is not a number",
        "greater_than_equal": f"it is less than {bounds.get('ge', 0):g}",
        "less_than_equal": f"it is more than {bounds.get('le', 0):g}",
    }
    return sentences.get(kind, "it is of the wrong kind")


def _field(variable: str) -> Any:
    return Settings.model_fields[variable.lower()]


def _examples(variable: str) -> list[str]:
    """Values for a variable. One that a shell would make is made here, since in ``.env`` nothing
    would make it."""
    given = _field(variable).examples or []
    return [_MADE_BY_A_SHELL[one]() if one in _MADE_BY_A_SHELL else one for one in given]


_MADE_BY_A_SHELL: dict[str, Callable[[], str]] = {
    "$(openssl rand -hex 32)": lambda: token_hex(32),
    "$(openssl rand -base64 32)": lambda: b64encode(token_bytes(32)).decode(),
}


def _would_do(variable: str, example: str, found: dict[str, Any]) -> bool:
    """Whether the service could start as far as this variable is concerned."""
    secret = SecretStr in (kind := _field(variable).annotation, *get_args(kind))
    value: Any = SecretStr(example) if secret else example
    try:
        Settings(**{**found, variable.lower(): value})
    except ValidationError as error:
        return _blamed(error)[0] != variable
    return True
