"""Constants of a module, read without importing it.

Imported by Snakemake itself, so it may use the standard library only.
"""

import ast


def literals(path):
    """Name to value of the constants that a module writes out at its top.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        Without those that are computed.
    """
    constants = {}
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                constants[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # computed, which nobody can read without running it
    return constants
