"""Configurations whose fields say what they accept: frozen dataclasses that pydantic checks, errors in one line."""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from warehouse.core.errors import SettingsError

T = TypeVar("T")

Seed = Annotated[int, Field(ge=0, le=2**31 - 1, title="--seed")]
FoldCount = Annotated[int, Field(ge=2, le=50, title="--folds")]
HoldoutShare = Annotated[float, Field(ge=0, lt=1, title="--holdout")]


@dataclass_transform(frozen_default=True)
def validated(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass that refuses values outside the types and ranges of its fields.

    A range is written as `Annotated[int, Field(ge=2, le=50, title="--folds")]`; `title` is the option that sets the
    field, to be left out where there is none. A text is not taken for a number, nor a fraction for a whole number.

    Raises
    ------
    SettingsError
        When an instance is made of a value that is not accepted: names field, range and value.

    Examples
    --------
    >>> @validated
    ... class Options:
    ...     folds: FoldCount = 5
    >>> try:
    ...     Options(folds=200)
    ... except SettingsError as error:
    ...     print(error)
    expected a whole number from 2 to 50 for --folds; found 200; pass another --folds
    """
    checked: Any = dataclass(frozen=True, config=ConfigDict(strict=True))(cls)
    initialise: Callable[..., None] = checked.__init__

    @functools.wraps(initialise)
    def checked_init(self: object, *values: Any, **named: Any) -> None:  # noqa: ANN401 - of any field
        try:
            initialise(self, *values, **named)
        except ValidationError as error:
            raise _settings_error(checked.__pydantic_fields__, dict(error.errors()[0])) from error

    checked.__init__ = checked_init
    return checked


def _settings_error(fields: dict[str, FieldInfo], detail: Mapping[str, Any]) -> SettingsError:
    name = str(detail["loc"][0])
    if name not in fields:
        return SettingsError(expected=f"one of {', '.join(fields)}", found=name, remedy=f"leave {name} out")
    label = fields[name].title or name
    remedy = f"pass another {label}" if fields[name].title else f"give another {label}"
    found = detail["input"]
    return SettingsError(
        expected=f"{_accepted(fields[name], detail)} for {label}",
        found=found if isinstance(found, str) else repr(found),
        remedy=remedy,
    )


def _accepted(field: FieldInfo, detail: Mapping[str, Any]) -> str:
    """What a field takes, in words."""
    if detail["type"] == "literal_error":
        return "one of " + ", ".join(map(str, _literals(field.annotation)))
    bounds = {
        name: getattr(bound, name)
        for bound in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(bound, name)
    }
    if not bounds:
        return str(detail["msg"]).removeprefix("Input should be ")
    words = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "to below {}"}
    kind = "a whole number" if int in (field.annotation, *get_args(field.annotation)) else "a number"
    limits = [words[name].format(bound) for name, bound in bounds.items()]
    return " ".join([kind, *limits, *(["on"] if set(bounds) == {"ge"} else [])])


def _literals(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a type
    """All values that a type made of literals accepts."""
    inner = get_args(annotation)
    return tuple(value for part in inner for value in (_literals(part) or ((part,) if isinstance(part, str) else ())))
