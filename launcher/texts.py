"""Chinese texts of the code for the catalogues in `translations/`: Babel reads this by `babel.cfg`.

Domains know no languages: they raise and store finished Chinese sentences, and `app/web/sentences`
reads these back. So every Chinese text of a file is a message, not only what is given to gettext,
and an f-string is one with named places: `没有词表版本 {number}。`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

HAN = re.compile(r"[\u4e00-\u9fff]")
OF_TIME = re.compile(r"[年月日周]")  # 11月23日 周一 is no sentence
DATE = re.compile(r"\{\w+\}月\{\w+\}日")
LEAST = 2  # Chinese characters of an f-string: with fewer it would fit everything
NOT_SAID = (ast.Compare, ast.Set, ast.Subscript, ast.Attribute)  # words to look for, not to say

Message = tuple[int, str | None, Any, list[str]]  # line, function, text, comments


def extract(
    file: IO[bytes], keywords: Mapping[str, Any], tags: Sequence[str], options: Any
) -> Iterator[Message]:
    """What is said without gettext. With the option `gettext` also what gettext is given; then a
    constant that it is not given counts only when it ends like a sentence."""
    asks = options.get("gettext") == "yes"
    if asks:
        from babel.messages.extract import extract_python  # Babel is there when Babel calls

        found: Iterator[Any] = extract_python(file, keywords, tags, options)
        yield from found
        file.seek(0)
    for line, text in texts(file.read().decode()):
        if "{" in text or not asks or text.endswith("。"):
            yield line, None, text, []


def texts(source: str) -> list[tuple[int, str]]:
    """Line and text of each Chinese constant and f-string that is no docstring and no pattern."""
    found: list[tuple[int, str]] = []
    if HAN.search(source):
        _walk(ast.parse(source), found)
    return found


def form(said: ast.JoinedStr) -> str:
    """The f-string with places: by the name of a variable or attribute, in capitals for a constant
    or a word of a table of ours, else by number. Places side by side are one, and so is a date."""
    parts: list[str] = []
    known: dict[str, str] = {}  # a place and its expression
    for value in said.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value).replace("{", "{{").replace("}", "}}"))
        elif parts and parts[-1] in known:  # nobody could say where one ends
            parts[-1] = f"{{{len(known)}}}"
            known[parts[-1]] = ""
        else:
            assert isinstance(value, ast.FormattedValue)
            name, meant = _name(value.value), ast.unparse(value)
            place = f"{{{name}}}" if name else f"{{{len(known) + 1}}}"
            if known.get(place, meant) != meant:
                place = f"{{{len(known) + 1}}}"
            known[place] = meant
            parts.append(place)
    return DATE.sub("{date}", "".join(parts))


def _walk(node: ast.AST, found: list[tuple[int, str]]) -> None:
    for part in _said_by(node):
        if isinstance(part, ast.JoinedStr):
            text = form(part)
            if len(HAN.findall(OF_TIME.sub("", text))) >= LEAST:
                found.append((part.lineno, text))
        elif (
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and HAN.search(part.value)
            and not isinstance(node, NOT_SAID)
        ):
            found.append((part.lineno, part.value))
        _walk(part, found)


def _said_by(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node, less docstrings, patterns, formats, and of tables the keys and lists."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "compile":
        return
    if isinstance(node, ast.JoinedStr):
        yield from (one.value for one in node.values if isinstance(one, ast.FormattedValue))
    elif isinstance(node, ast.Dict):
        yield from (one for one in node.values if not isinstance(one, ast.Tuple | ast.List))
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        yield from ast.iter_child_nodes(node)


def _name(value: ast.expr) -> str:
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Subscript):
        table = _name(value.value)
        if table.strip("_").isupper():
            return (_name(value.slice) or table).upper()
    return ""
