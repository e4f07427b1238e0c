# SPDX-License-Identifier: Apache-2.0
"""Options that belong together, as one dataclass parameter of a command."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

from typer import Option


@dataclasses.dataclass(frozen=True)
class RecordingOptions:
    """Filters of recordings; the auth service knows which kinds and states there are."""

    from_utc: Annotated[str, Option(help="First day: 2023-07-04.")] = ""
    to_utc: Annotated[str, Option(help="Last day.")] = ""
    last: Annotated[str, Option(help="Period until now: 24h.")] = ""
    participant: Annotated[str, Option(help="Only sessions in which this user took part.")] = ""
    host: Annotated[str, Option(help="Only sessions on this host: its name or its UUID.")] = ""
    kind: Annotated[str, Option(help="Only sessions of this kind: interactive or command.")] = ""
    state: Annotated[str, Option(help="Only recordings in this state: active, uploading or complete.")] = ""


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
