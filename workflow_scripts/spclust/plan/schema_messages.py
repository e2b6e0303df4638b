"""Faults of a configuration in words: key path, what was found, what is allowed, a better line."""

import difflib

import yaml

from spclust.errors import UserError
from spclust.plan.schema_corrections import (
    LARGEST,
    SMALLEST,
    Validator,
    as_name,
    as_number,
    below,
    corrected,
    correction,
    is_endless,
    is_usual,
    options,
    passes,
    types,
    whole,
)

_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LIMITS = (
    ("minimum", ">="),
    ("exclusiveMinimum", ">"),
    ("maximum", "<="),
    ("exclusiveMaximum", "<"),
    ("minItems", "of length >="),
    ("minProperties", "with at least so many keys:"),
    ("maxLength", "of length <="),
)


def unknown(where, value, allowed):
    near = difflib.get_close_matches(str(value), list(allowed), 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    names = ", ".join(sorted(allowed))
    raise UserError(f"{where}: {shown(value)} is not known{hint} Known are: {names}")


def check(instance, schema, source, prefix=()):
    """Hold a part of the configuration against its schema.

    Returns
    -------
    object
        The instance, with ``4.0`` turned into ``4`` where a whole number is asked for.

    Raises
    ------
    UserError
        With a line for each fault. A corrected line in it passes the schema.
    """
    if is_endless(instance):
        raise UserError(
            f"{source}: it has more than 100,000 values, as aliases (&, *) of YAML can make of a "
            "few lines; write out what is meant"
        )
    errors = [leaf for error in Validator(schema).iter_errors(instance) for leaf in _leaves(error)]
    errors.sort(key=lambda error: list(map(str, error.absolute_path)))
    lines = [_explain(error, instance, schema, prefix) for error in errors]
    if lines:
        raise UserError(f"{source}:\n  " + "\n  ".join(dict.fromkeys(lines)))
    return whole(instance, schema, schema)


def _leaves(error):
    """What is wrong inside a list or mapping that only one of several alternatives can mean."""
    branches = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [
        errors
        for errors in branches.values()
        if all(e.path or e.validator not in ("type", "enum") for e in errors)
    ]
    if len(meant) != 1 or not isinstance(error.instance, dict | list):
        return [error]
    return [leaf for inner in meant[0] for leaf in _leaves(inner)]


def _explain(error, instance, root, prefix):
    """One line for one fault: key path, found, allowed, and a corrected line."""
    value, schema = error.instance, error.schema
    where = _joined([*prefix, *error.absolute_path])
    if "propertyNames" in error.absolute_schema_path:
        name = as_name(str(value)) or "a_name"
        return (
            f"{where}: {shown(value)} cannot be a name here, allowed is {_allowed(schema, root)}; "
            f"call it e.g.  {name}"
        )
    if error.validator == "additionalProperties":
        return f"{where or 'top level'}: {_unknown_keys(value, schema, root)}"
    if error.validator == "required":
        name = next(name for name in error.validator_value if name not in value)
        line = f"{name}: {yaml_value(correction(None, below(schema, name, root), root)[0])}"
        return f"{where or 'top level'}: the key {name!r} is missing; add e.g.  {line}"
    line = _corrected(error, instance, root, prefix)
    number = as_number(value) if isinstance(value, str) else None
    if line and number is not None and passes(number, schema, root):
        return (
            f"{where}: found the text {value!r} where a number is expected (YAML reads 1e-3 as "
            "text, and 1.0e-3 as a number; Snakemake reads numbers in brackets of --config as "
            f"text, but not those in a file for --configfile); write  {line}"
        )
    allowed = _allowed(schema, root)
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_usual(value):
        allowed += f", finite, and 0 or of a size from {SMALLEST:g} to {LARGEST:g}"
    text = f"{where}: found {shown(value)}, allowed is {allowed}"
    return f"{text}; write e.g.  {line}" if line else text


def _corrected(error, instance, root, prefix):
    """The line to write, its key that of the nearest mapping. Empty without one."""
    path = list(error.absolute_path)
    while path and isinstance(path[-1], int):
        path.pop()
    schema, value = root, instance
    for key in path:
        schema, value = below(schema, key, root), value[key]
    key = next((p for p in reversed([*prefix, *path]) if isinstance(p, str)), None)
    better, possible = correction(value, schema, root)
    if not possible or key is None:
        return ""
    return f"{key}: {yaml_value(better)}"


def _unknown_keys(value, schema, root):
    allowed, notes = list(schema["properties"]), []
    for name in sorted(set(value) - set(allowed), key=str):
        near = difflib.get_close_matches(str(name), allowed, 1, cutoff=0.7)
        line = "remove it"
        if near:
            meant, possible = corrected(value[name], schema["properties"][near[0]], root)
            line = f"write  {near[0]}: {yaml_value(meant)}" if possible else line
        notes.append(f"unknown key {name!r}; {line} (allowed: {', '.join(allowed)})")
    return "; ".join(notes)


def _joined(path):
    """A key path in words, ``graphs.k20.n_neighbors`` or ``runs[0].name``."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def shown(value):
    """A value as it was found, shortened where it is long."""
    text = repr(_plain(value))
    return text if len(text) <= 200 else f"{text[:150]} ... ({len(text)} characters)"


def _plain(value):
    """Without the ordered mappings that Snakemake makes of a JSON file."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    return [_plain(own) for own in value] if isinstance(value, list) else value


def yaml_value(value):
    """A value as one would type it in YAML."""
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=10**6).strip()
    return text.removesuffix("\n...").strip()


def _allowed(schema, root):
    first, *others = options(schema, root)
    if others:
        return " or ".join(_allowed(option, root) for option in others)
    if "enum" in first:
        return "one of " + ", ".join(map(str, first["enum"]))
    if "pattern" in first:
        return (
            "a name of letters, digits, '_' and '.'" + _limits(first)
            if first["pattern"].startswith("^[A-Za-z0-9]")
            else f"text that matches {first['pattern']}"
        )
    text = " or ".join(_WORDS[name] for name in types(first)) + _limits(first)
    return text + (" without repeats" if first.get("uniqueItems") else "")


def _limits(schema):
    return "".join(f" {word} {schema[key]}" for key, word in _LIMITS if key in schema)
