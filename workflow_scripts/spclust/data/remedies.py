"""Lines of configuration that messages print, to be pasted as they are."""

import json
import re


def exactly(name):
    """Regular expression that is found in one name alone."""
    return "^" + re.sub(r"[][.^$*+?(){}|\\]", r"\\\g<0>", str(name)) + "$"


def in_yaml(texts):
    """A list of texts as YAML on one line: in single quotes, in which a backslash is one."""
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text):
    if not text.isprintable():  # a line break or the like has to be escaped
        return json.dumps(text)
    return "'" + text.replace("'", "''") + "'"
