"""What a value would have to be: walks through a JSON schema, whole numbers, values that pass.

Imported by Snakemake itself, so it may use the standard library and jsonschema only.
"""

import difflib
import math
import re

import jsonschema

# beyond these float32 turns values into zero or infinity
SMALLEST, LARGEST = 1e-30, 1e30
MOST_NODES, DEEPEST = 100_000, 50
_SAMPLES = ("a_name", "https://example.org/cells.csv", "0" * 64)


def is_usual(value):
    """Whether a value is a finite number, not a boolean, of a size that float32 can hold."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and (value == 0 or SMALLEST <= abs(value) <= LARGEST)


def _is_whole(checker, value):
    return is_usual(value) and value == int(value) and abs(value) <= 2**53


def _pattern(validator, pattern, value, schema):
    # $ lets a final line break pass, \\Z does not
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match")


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": lambda checker, value: is_usual(value), "integer": _is_whole}
    ),
)


def is_endless(value):
    """Whether a value has more parts, or levels, than any configuration.

    YAML's aliases can make that of a few lines.

    Parameters
    ----------
    value : nested dicts and lists
        May hold itself.
    """
    todo, seen = [(value, 0)], 0
    while todo:
        part, depth = todo.pop()
        seen += 1
        if seen > MOST_NODES or depth > DEEPEST:
            return True
        inside = part.values() if isinstance(part, dict) else part
        if isinstance(part, dict | list):
            todo += ((own, depth + 1) for own in inside)
    return False


def options(schema, root):
    """A schema and its alternatives, references followed."""
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        named = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return options({**named, **{k: v for k, v in schema.items() if k != "$ref"}}, root)
    return [schema, *(o for other in schema.get("anyOf", []) for o in options(other, root))]


def types(schema):
    """Names of the types that a schema allows."""
    names = schema.get("type", [])
    return [names] if isinstance(names, str) else names


def below(schema, key, root):
    """Schema of the value under a key or position; an empty one, which allows all, if unknown."""
    for option in options(schema, root):
        inside = option.get("items") if isinstance(key, int) else None
        if isinstance(key, str):
            inside = option.get("properties", {}).get(key, option.get("additionalProperties"))
        if isinstance(inside, dict):
            return inside
    return {}


def passes(value, schema, root):
    """Whether a value is as its schema says."""
    if not isinstance(schema, dict):
        return schema is not False
    return Validator({**schema, "$defs": root.get("$defs", {})}).is_valid(value)


def whole(value, schema, root):
    """A value with ``4.0`` turned into ``4`` wherever the schema asks for a whole number.

    Parameters
    ----------
    value : nested dicts and lists
        Valid by the schema.
    schema, root : dict
        The schema of the value, and the one that holds its ``$defs``.
    """
    if isinstance(value, dict):
        return {key: whole(own, below(schema, key, root), root) for key, own in value.items()}
    if isinstance(value, list):
        return [whole(own, below(schema, i, root), root) for i, own in enumerate(value)]
    if isinstance(value, float) and value.is_integer():
        allowed = {name for option in options(schema, root) for name in types(option)}
        return int(value) if "integer" in allowed and "number" not in allowed else value
    return value


def corrected(value, schema, root):
    """The value where it passes the schema, else its :func:`correction`."""
    return (value, True) if passes(value, schema, root) else correction(value, schema, root)


def correction(value, schema, root):
    """A value near the given one that passes the schema, and whether there is one.

    Returns
    -------
    (object, bool)
    """
    for near in _candidates(value, schema, root):
        if passes(near, schema, root):
            return near, True
    return None, False


def as_number(text):
    """The number that a text reads as, or None."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _is_text(value):
    """Whether a value says something that a correction should hold on to."""
    return isinstance(value, str) and value != ""


def as_name(text):
    """A name that is like a text: letters, digits and ``_``."""
    return re.sub(r"\W", "_", text, flags=re.ASCII).strip("_")[:40]


def _candidates(value, schema, root):
    ways = options(schema, root)
    words = [str(word) for way in ways for word in way.get("enum", [])]
    if isinstance(value, str):
        yield as_number(value)
        yield from difflib.get_close_matches(value, words, 1)
        yield as_name(value)
    if isinstance(value, float) and math.isfinite(value):
        yield round(value)
    for way in ways:
        # what stands alone where a list of such is wanted, or a mapping with one key
        if "array" in types(way) and not isinstance(value, list | None):
            yield [value]
            if _is_text(value):
                yield [correction(value, way.get("items", {}), root)[0]]
        if len(way.get("required", ())) == 1:
            yield {way["required"][0]: value}
        if "default" in way:
            yield way["default"]
        if isinstance(value, list):
            inside = way.get("items", {})
            kept = [own for own in value if passes(own, inside, root)]
            each = [corrected(own, inside, root)[0] for own in value]
            if all(own in kept or _is_text(own) for own in value):
                yield each
            yield list({repr(own): own for own in kept}.values())
            yield each
        if isinstance(value, dict):
            yield {k: corrected(own, below(way, k, root), root)[0] for k, own in value.items()}
            yield {k: own for k, own in value.items() if passes(own, below(way, k, root), root)}
    for way in ways:
        yield from _samples(way, root)


def _samples(schema, root):
    """Values such as a schema allows, likely ones first."""
    yield from [*schema.get("examples", []), *schema.get("enum", [])][:1]
    for kind in types(schema):
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if kind in ("integer", "number"):
            yield from (n for n in (schema.get("minimum"), (low or 0) + 1, high) if n is not None)
        if kind == "number" and low is not None and high is not None:
            yield (low + high) / 2
        if kind == "boolean":
            yield True
        if kind == "string":
            yield from _SAMPLES
        if kind == "array":
            inside = schema.get("items", {})
            yield [correction(None, inside, root)[0]] if inside else []
        if kind == "object":
            yield {
                k: correction(None, below(schema, k, root), root)[0]
                for k in schema.get("required", [])
            }
        if kind == "null":
            yield None
