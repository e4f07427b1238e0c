"""Options that belong together, as one dataclass parameter of a command."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any


def bundled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as typer is to see it: each field of a dataclass parameter is an option of its own.

    The fields carry ``Annotated[…, typer.Option(…)]`` and defaults; the function gets the instance.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    plain: list[inspect.Parameter] = []
    bundles: dict[str, tuple[Any, list[inspect.Parameter]]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if dataclasses.is_dataclass(hints[name]):
            bundles[name] = (hints[name], _parameters(hints[name]))
        else:
            kind = inspect.Parameter.KEYWORD_ONLY
            plain.append(parameter.replace(annotation=hints[name], kind=kind))

    @functools.wraps(function)
    def command(**values: Any) -> Any:
        for name, (bundle, parameters) in bundles.items():
            values[name] = bundle(**{each.name: values.pop(each.name) for each in parameters})
        return function(**values)

    parameters = [*plain, *(each for _, members in bundles.values() for each in members)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    del command.__wrapped__
    return command


def _parameters(bundle: Any) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(bundle, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(bundle)
    ]
