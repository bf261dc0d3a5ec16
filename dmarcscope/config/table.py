"""A table of the configuration: frozen, without unknown keys, and checked whole, so that every flaw is found at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

PLAIN = "plain"  # the type of errors that are in plain words already


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that does not fit between the keys of a table: the key, what, and what to do.

    A key with dots is in a table below; an empty one is the table itself.
    """

    key: str
    what: str
    fix: str = ""


class Table(BaseModel):
    """A table of the configuration. Raises pydantic's ValidationError with all that is wrong in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def contradictions(cls, _given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """What does not fit together in a table as written, whatever the types of its values; paths are relative to the folder."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def whole(cls, given: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Check each key and what is between the keys, so that one error does not hide another."""
        flaws = [detail(flaw) for flaw in cls.contradictions(given, folder_of(info))] if isinstance(given, dict) else []
        try:
            made = handler(given)
        except ValidationError as error:
            raise ValidationError.from_exception_data(cls.__name__, [*details(error), *flaws]) from None
        if flaws:
            raise ValidationError.from_exception_data(cls.__name__, flaws)
        return made


def refusal(what: str, fix: str = "") -> PydanticCustomError:
    """The error to raise in a validator: what is wrong and what to do, without the value where that may be secret."""
    return PydanticCustomError(PLAIN, "{what}", {"what": what, "fix": fix})


def detail(flaw: Flaw) -> InitErrorDetails:
    """A flaw as one of pydantic's errors."""
    return InitErrorDetails(type=refusal(flaw.what, flaw.fix), loc=tuple(flaw.key.split(".")) if flaw.key else (), input=None)


def details(error: ValidationError) -> Iterator[InitErrorDetails]:
    """Pydantic's errors, to be raised again with others."""
    for found in error.errors(include_url=False):
        kind = PydanticCustomError(found["type"], "{what}", {"what": found["msg"], **found.get("ctx", {})})
        yield InitErrorDetails(type=kind, loc=found["loc"], input=found["input"])


def folder_of(info: ValidationInfo) -> Path:
    """The folder that relative paths start from: that of the configuration file, else the current one."""
    context = info.context if isinstance(info.context, dict) else {}
    return Path(context.get("folder", ""))


def goes_with(given: Mapping[str, Any], key: str, switch: str, value: str) -> Iterator[Flaw]:
    """A key that has a meaning only where another has a certain value.

    >>> [flaw.key for flaw in goes_with({"move_to": "x", "after": "keep"}, "move_to", "after", "move")]
    ['move_to']
    """
    if key in given and given.get(switch) != value:
        yield Flaw(key, f'goes only with {switch} = "{value}"', f'Add {switch} = "{value}", or leave {key} out')


def needed_with(given: Mapping[str, Any], key: str, switch: str, value: str) -> Iterator[Flaw]:
    """A key that must be there where another has a certain value."""
    if key not in given and given.get(switch) == value:
        yield Flaw(key, f'is missing: {switch} = "{value}" needs it', f"Add {key}")


def texts(given: Mapping[str, Any], key: str) -> list[str]:
    """The texts that a key holds, whether it holds one or a list; what is no text is left out."""
    value = given.get(key)
    return [str(item) for item in (value if isinstance(value, list | tuple) else [value]) if isinstance(item, str | Path)]
