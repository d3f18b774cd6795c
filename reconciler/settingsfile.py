"""From reconciler.yaml and the environment to settings, with every mistake told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.errors import Problem, SettingsError
from reconciler.settings import (
    Budget,
    CloudSettings,
    Limits,
    MetricSettings,
    Settings,
    Source,
    Ssh,
    Token,
    Verify,
    Window,
)
from reconciler.yamlio import Series, Table, YamlError, load_all

PREFIX = "RECONCILER_"


def read_settings(
    path: Path, environment: Mapping[str, str], kinds: Iterable[str] = ()
) -> Settings:
    """Read reconciler.yaml, let RECONCILER_ variables override it, and check it whole.

    Raises:
        SettingsError: with everything that is wrong, each with file and line.

    """
    try:
        documents = load_all(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except YamlError as error:
        raise SettingsError(f"{path}:{error.line}: {error}") from error
    content = documents[0] if documents else Table(1)
    if content is None:
        content = Table(1)
    if len(documents) > 1 or not isinstance(content, Table):
        raise SettingsError(f"{path}:1: takes one mapping: owner:, state:, clouds: and so on")
    return _check(content, path.name, environment, kinds)


def _check(
    content: Table, file: str, environment: Mapping[str, str], kinds: Iterable[str]
) -> Settings:
    from_outside = override(content, environment)
    problems: list[Problem] = []
    settings = None
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            path = tuple(one["loc"])
            place = from_outside.get(tuple(str(part) for part in path), "")
            line = 0 if place else _line(content, path)
            problems.append(Problem(place or file, line, "", _message(path, dict(one))))
    problems += _unknown_kinds(content, file, tuple(kinds))
    if problems or settings is None:
        raise SettingsError("\n".join(str(p).replace(":0:", ":", 1) for p in sorted(problems)))
    return settings


def override(content: Table, environment: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Write RECONCILER_SOURCE__URL into source.url, and say which variable wrote which path.

    Two underscores go one level down; a name that stands in the file already is found whatever
    its case, and with ``-`` for ``_``. Variables for other purposes are left alone.
    """
    written: dict[tuple[str, ...], str] = {}
    for variable, text in sorted(environment.items()):
        words = variable.removeprefix(PREFIX).split("__")
        if not variable.startswith(PREFIX) or words[0].lower() not in Settings.model_fields:
            continue
        try:
            loaded = load_all(text)
        except YamlError as error:
            raise SettingsError(f"{variable}: {error}") from error
        table, path = content, []
        for word in words[:-1]:
            key = _known_key(table, word)
            if not isinstance(table.get(key), Table):
                table[key] = Table(0)
                table.lines[key] = 0
            table = table[key]
            path.append(key)
        key = _known_key(table, words[-1])
        table[key] = loaded[0] if loaded else None
        table.lines[key] = 0
        written[*path, key] = variable
    return written


def _known_key(table: Table, word: str) -> str:
    same = (key for key in table if key.lower().replace("-", "_") == word.lower())
    return next(same, word.lower())


def _line(value: Any, path: tuple[int | str, ...]) -> int:
    line = 1
    for part in path:
        if isinstance(value, Table) and part in value:
            line, value = value.lines[str(part)], value[str(part)]
        elif isinstance(value, Series) and isinstance(part, int) and part < len(value):
            line, value = value.lines[part], value[part]
    return line


def _message(path: tuple[int | str, ...], error: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in path)
    match error["type"]:
        case "extra_forbidden":
            return f"{name} is no setting{_nearest(str(path[-1]), _fields_at(path[:-1]))}"
        case "missing":
            return f"{name} is missing"
        case "string_pattern_mismatch" if path == ("owner",):
            return "owner takes lower-case letters, digits and dashes, 41 at most"
        case "bool_type":
            return f"{name} takes true or false"
        case "value_error":
            return f"{name} {error['ctx']['error']}"
        case _:
            return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}"


def _fields_at(path: tuple[int | str, ...]) -> Iterable[str]:
    """Give the settings that can stand at a path."""
    at: dict[str, type[BaseModel]] = {
        "source": Source, "verify": Verify, "limits": Limits, "delete": Budget, "windows": Window,
        "ssh": Ssh, "token": Token, "metrics": MetricSettings,
    }  # fmt: skip
    words = [part for part in path if isinstance(part, str)]
    if not words:
        return Settings.model_fields
    if len(words) > 1 and words[-2] == "clouds":
        return CloudSettings.model_fields
    if len(words) > 1 and words[-2] == "kinds":
        return Budget.model_fields
    model = at.get(words[-1])
    return model.model_fields if model else ()


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _unknown_kinds(content: Table, file: str, kinds: tuple[str, ...]) -> list[Problem]:
    """Find kinds that do not exist: a limit that is misspelt would limit nothing."""
    problems = []
    clouds = content.get("clouds")
    for name, cloud in clouds.items() if isinstance(clouds, Table) else ():
        limits = cloud.get("limits") if isinstance(cloud, Table) else None
        places = {
            "prune": cloud.get("prune") if isinstance(cloud, Table) else None,
            "limits.kinds": limits.get("kinds") if isinstance(limits, Table) else None,
        }
        for place, table in places.items():
            if not isinstance(table, Table) or not kinds:
                continue
            for kind in table:
                if kind not in kinds:
                    text = f"clouds.{name}.{place}: there is no kind {kind}{_nearest(kind, kinds)}"
                    problems.append(Problem(file, table.lines[kind], "", text))
    return problems
