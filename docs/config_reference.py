#!/usr/bin/env python3
"""Writes docs/config.md from the comments of launch/config.proto. With --check: fails if it is not current."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROTO, PAGE = ROOT / "launch/config.proto", ROOT / "docs/config.md"
HEAD = """# Config

Made by `docs/config_reference.py` from `launch/config.proto`. A config is a textproto file, or a preset of `launch/configs` by its
name; `--set train.epochs=20` sets a field. A field that is not given has its default. Enumerations are accepted in any case. Fields
marked * may differ when a run is resumed, since what it computes does not depend on them.
"""


def read(text):
    """{message: ([comment, type, name, default, range, may_change], ...)} and {enum: values}, by their short names."""
    messages, enums, stack, comment = {}, {}, [], []
    text = re.sub(r"\n\s+\[default", " [default", text)
    for line in map(str.strip, text.splitlines()):
        if line.startswith("//"):
            comment.append(line.lstrip("/ "))
            continue
        if opened := re.match(r"(message|enum) (\w+) {", line):
            stack.append(opened.groups())
            if opened[1] == "message":
                messages.setdefault(opened[2], [])
            else:
                enums[(stack[-2][1], opened[2])] = []
        elif line.startswith("extend"):
            stack.append(("extend", ""))
        elif line == "}":
            stack.pop()
        elif stack and stack[-1][0] == "enum" and (value := re.match(r"(\w+) = \d+;", line)):
            enums[(stack[-2][1], stack[-1][1])].append(value[1])
        elif stack and stack[-1][0] == "message" and (field := re.match(r"optional ([\w.]+) (\w+) = \d+(?: \[(.*)\])?;", line)):
            options = field[3] or ""
            default = re.search(r"default = ([^,]+)(?:,|$)", options)
            allowed = re.search(r'\(range\) = "([^"]*)"', options)
            messages[stack[-1][1]].append((" ".join(comment), field[1], field[2], default and default[1],
                                           allowed and allowed[1], "(may_change) = true" in options))
        elif line:
            pass
        comment = [] if line else comment
    return messages, enums


def rows(messages, enums, message, prefix):
    for comment, type_, name, default, allowed, may_change in messages[message]:
        parts = tuple(type_.split("."))
        values = enums.get(parts if len(parts) == 2 else (message, type_))
        if values is None and type_ in messages:
            yield from rows(messages, enums, type_, prefix + name + ".")
            continue
        takes = ", ".join(values) if values else (f"{type_} in {allowed}" if allowed else type_)
        yield f"| `{prefix}{name}`{' *' if may_change else ''} | {takes} | {default} | {comment} |"


def page():
    messages, enums = read(PROTO.read_text())
    text = HEAD
    for comment, type_, name, *_ in messages["Config"]:
        text += f"\n## {name}\n\n| field | takes | default | what it is |\n| --- | --- | --- | --- |\n"
        text += "\n".join(rows(messages, enums, type_, name + ".")) + "\n"
    return text


if sys.argv[1:] == ["--check"]:
    if not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/config.md is not what launch/config.proto says: run docs/config_reference.py")
else:
    PAGE.write_text(page())
