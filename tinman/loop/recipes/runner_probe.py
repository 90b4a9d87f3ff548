"""Run by the interpreter that runs the tests: tells what it can import, and a digest of the test runner it has.

It needs nothing but the standard library, of old versions, too.
"""

import hashlib
import importlib.util
import json
import os
import sys

RUNNERS = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "unittest", "sitecustomize", "usercustomize", "site")


def importable() -> "list[str]":
    """Return the top-level names that can be imported."""
    names = set(sys.builtin_module_names) | set(getattr(sys, "stdlib_module_names", ()))
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        names.update(entry.partition(".")[0] for entry in entries if "-" not in entry)
    return sorted(names)


def files_of_the_runner() -> "list[str]":
    """Return the files that start the runner or are loaded with it, whether it wants them or not."""
    found = []
    for name in RUNNERS:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            for folder, _, entries in os.walk(place):
                found += [os.path.join(folder, entry) for entry in entries if entry.endswith((".py", ".so"))]
        if spec is not None and spec.origin and os.path.isfile(spec.origin):
            found.append(spec.origin)
    for folder in sys.path:
        if os.path.isdir(folder):
            found += [os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".pth")]
            plugins = [entry for entry in os.listdir(folder) if entry.endswith(".dist-info")]
            found += [os.path.join(folder, entry, "entry_points.txt") for entry in plugins]
    return sorted(set(found))


def digest() -> str:
    """Return the SHA-256 of those files: their names and what is in them."""
    total = hashlib.sha256()
    for path in files_of_the_runner():
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        total.update(path.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(content).digest())
    return total.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"importable": importable(), "runner": digest()}))
