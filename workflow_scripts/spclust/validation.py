"""Faults of a configuration in words: key path, what was found, what is allowed, a better line."""

import difflib

import jsonschema
import yaml

from spclust.errors import UserError


def unknown(where, found, allowed):
    near = difflib.get_close_matches(str(found), list(allowed), 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    known = ", ".join(sorted(allowed))
    raise UserError(f"{where}: {found!r} is not known{hint} Known are: {known}")


def check(instance, schema, source, prefix=()):
    errors = jsonschema.Draft202012Validator(schema).iter_errors(instance)
    lines = [_explain(e, prefix) for e in sorted(errors, key=lambda e: list(map(str, e.path)))]
    if lines:
        raise UserError(f"{source}:\n  " + "\n  ".join(lines))


def _explain(error, prefix):
    """One line for one fault: key path, found, allowed, and a corrected line."""
    path, value, schema = [*prefix, *error.absolute_path], error.instance, error.schema
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
    key = next((p for p in reversed(path) if isinstance(p, str)), "")
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        extra = sorted(set(value) - set(known))
        notes = []
        for name in extra:
            near = difflib.get_close_matches(name, known, 1)
            line = f"write  {near[0]}: {yaml_value(value[name])}" if near else "remove it"
            notes.append(f"unknown key {name!r}; {line} (allowed: {', '.join(known)})")
        return f"{where or 'top level'}: {'; '.join(notes)}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in value]
        return f"{where or 'top level'}: the key {missing[0]!r} is missing; add  {missing[0]}: ..."
    if isinstance(value, str) and _wants_number(schema) and _as_number(value) is not None:
        number = _as_number(value)
        return (
            f"{where}: found the text {value!r} where a number is expected (YAML reads 1e-3 as "
            f"text, and 1.0e-3 as a number); write  {key}: {number!r}"
        )
    example = f"{key}: {_example(schema)}"
    return f"{where}: found {value!r}, allowed is {_allowed(schema)}; write e.g.  {example}"


def yaml_value(value):
    """A value as one would type it in YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6).strip()
    return text.removesuffix("\n...").strip()


def _types(schema):
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _wants_number(schema):
    options = [schema, *schema.get("anyOf", [])]
    return any(t in ("number", "integer") for s in options for t in _types(s))


def _as_number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _allowed(schema):
    if "anyOf" in schema:
        return " or ".join(_allowed(s) for s in schema["anyOf"])
    if "$ref" in schema:
        return "a name of letters, digits, '_' and '.'"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "pattern" in schema:
        return f"text that matches {schema['pattern']}"
    words = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
        "object": "a mapping",
        "null": "null",
    }
    text = " or ".join(words[t] for t in _types(schema))
    for key, word in (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="),
                      ("exclusiveMaximum", "<"), ("minItems", "of length >=")):  # fmt: skip
        if key in schema:
            text += f" {word} {schema[key]}"
    return text + (" without repeats" if schema.get("uniqueItems") else "")


def _example(schema):
    schema = schema.get("anyOf", [schema])[0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = (_types(schema) or ["string"])[0]
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    samples = {"integer": low, "number": low, "boolean": "true", "array": "[...]"}
    return samples.get(kind, "a_name")
