"""Sentences of the domains in the reader's language.

Domains know no languages: they raise and store finished Chinese sentences. The catalogue has these
as messages, an f-string as a form with named places (`没有词表版本 {number}。`, see
`launcher/texts.py`). So a page for others needs nothing but the sentence: it finds the form that
fits and says it in English with the same values. What fits nothing stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.dates import get_month_names
from babel.messages.mofile import read_mo
from flask import Flask, current_app
from flask_babel import get_locale

HAN = re.compile(r"[\u4e00-\u9fff]")
CHINESE = re.compile(r"[\u4e00-\u9fff（）；：。、]")
PLACE = re.compile(r"(\{\{|\}\}|\{\w+\})")
DAY = re.compile(r"(?:(\d{4})年)?(1[0-2]|0?[1-9])月(\d{1,2})日( \d\d:\d\d)?")
NAMED = {"“": "[^”]*", "「": "[^」]*", "《": ".*"}  # what people named stays as they named it
OWN = frozenset(
    "{name} {names} {title} {filename} {key} {raw} {word}".split()
)  # the same, without quotes
LATIN = re.compile(r"[^\u4e00-\u9fff（A-Za-z]*[A-Za-z]")  # begins so
NOTE = re.compile("(.*)（([^（）]+)）", re.DOTALL)
CLOSED = re.compile("“[^”]*”|「[^」]*」|《[^》]*》")
PLAIN = r"[^；\n。]*?"  # a value, as long as another sentence does not begin
IN_BRACKETS = "(?:[^（）]|（[^（）]*）)*?"  # whole, with brackets of its own
ENOUGH = 4  # Chinese characters: a form with fewer fits only when its values are understood
LONGEST, DEEPEST = 600, 3  # characters of a sentence, sentences within sentences
ALL = 2000  # characters of a text
ENDS = {r"\n": "\n", "；": "; ", "(?<=。) ?(?![）”」》 ]|$)": " "}  # where another sentence begins
ESCAPED = {"{{": "{", "}}": "}"}


def init_app(app: Flask) -> None:
    """The filters `said` and `noted` of templates."""
    app.add_template_filter(said)
    app.add_template_filter(noted)


def said(sentence: str | None) -> str:
    """The same sentence for this reader; "" for none."""
    known = _for_reader() if sentence else None
    return known.tell(sentence) if known and sentence else sentence or ""


def noted(note: str | None) -> str:
    """A note that we or a person wrote: ours has values in it; a word that our pages have as well
    is the person's and stays."""
    known = _for_reader() if note else None
    return (known.filled(note) if known and note else None) or note or ""


def _for_reader() -> Sentences | None:
    """Of this reader's language; None for Chinese, and where nobody reads."""
    locale = get_locale()
    if locale is None or locale.language == "zh":
        return None
    folder = current_app.config["BABEL_TRANSLATION_DIRECTORIES"]
    file = Path(folder) / str(locale) / "LC_MESSAGES" / "messages.mo"
    return _sentences(file, str(locale)) if file.exists() else None


@cache
def _sentences(file: Path, locale: str) -> Sentences:
    with file.open("rb") as opened:
        known = {str(one.id): str(one.string) for one in read_mo(opened) if one.id}
    return Sentences(known, locale)


@dataclass(frozen=True, slots=True)
class Form:
    """A sentence with places. `mark`: its longest text between them; `weight`: all such text;
    `strict` holds one sentence only; `names`: places of what people named."""

    said: str
    mark: str
    weight: int
    strict: re.Pattern[str]
    loose: re.Pattern[str]
    names: frozenset[str]
    sure: bool


class Sentences:
    """What a catalogue says of sentences: `{Chinese: other}`. Pure."""

    def __init__(self, catalogue: Mapping[str, str], locale: str) -> None:
        self._locale = locale
        own = {text: said for text, said in catalogue.items() if _is_ours(text)}
        forms = [_form(text, said) for text, said in own.items() if PLACE.search(text)]
        self._forms = sorted(forms, key=lambda form: -form.weight)
        self._words = {text: said for text, said in own.items() if not PLACE.search(text)}

    def tell(self, sentence: str, depth: int = 0) -> str:
        """It in the other language; several one by one. What is not known stays. `depth`: of how
        many others it is a part."""
        if depth > DEEPEST or len(sentence) > ALL or not CHINESE.search(sentence):
            return sentence
        if LATIN.match(CLOSED.sub("", sentence)):  # told already, if it fits no form
            return (
                self._whole(sentence, depth, loose=False)
                or self._whole(sentence, depth, loose=True)
                or sentence
            )
        return (
            self._whole(sentence, depth, loose=False)
            or self._parts(sentence, depth, every=True)
            or self._whole(sentence, depth, loose=True)
            or self._parts(sentence, depth, every=False)
            or self._list(sentence, depth)
            or sentence
        )

    def filled(self, sentence: str, depth: int = 0, *, loose: bool = False) -> str | None:
        """A form with values, in the other language; None when it is none."""
        if len(sentence) > LONGEST:
            return None
        for form in self._forms:  # the one with the most text first
            if form.mark not in sentence:
                continue
            found = (form.loose if loose else form.strict).fullmatch(sentence)
            if found and (said := self._fill(form, found.groupdict(), depth)) is not None:
                return said
        return None

    def _fill(self, form: Form, found: Mapping[str, str], depth: int) -> str | None:
        values = {f"{{{name[1:]}}}": value for name, value in found.items()}
        for place in values.keys() - form.names:
            value = values[place]
            values[place] = self._value(value, depth)
            if values[place] == value and HAN.search(value) and not form.sure:
                return None
        known = ESCAPED | values
        return PLACE.sub(lambda place: known[place[0]], form.said)

    def _value(self, text: str, depth: int) -> str:
        day = DAY.fullmatch(text)
        if day is None:
            return self.tell(text, depth + 1)
        year, month, number, time = day.groups(default="")
        name = get_month_names("abbreviated", locale=self._locale)[int(month)]
        return f"{int(number)} {name}{year and ' ' + year}{time}"

    def _whole(self, sentence: str, depth: int, *, loose: bool) -> str | None:
        if (known := self._words.get(sentence)) is not None:
            return known
        return self.filled(sentence, depth, loose=loose)

    def _parts(self, sentence: str, depth: int, *, every: bool) -> str | None:
        """Several sentences; None for one, and where none of them is known, or not `every` one."""
        for end, mark in ENDS.items():
            pieces = re.split(end, sentence)
            if len(pieces) > 1:
                told = [self.tell(piece, depth + 1) for piece in pieces]
                known = [a != b or not HAN.search(b) for a, b in zip(told, pieces, strict=True)]
                return mark.join(told) if (all(known) if every else told != pieces) else None
        return None

    def _list(self, sentence: str, depth: int) -> str | None:
        """What stands before a colon and after it, a note in brackets, names between commas."""
        head, colon, tail = sentence.partition("：")
        if colon and (head in self._words or CLOSED.fullmatch(head)):
            return f"{self._words.get(head, head)}: {self.tell(tail, depth + 1)}"
        if noted := NOTE.fullmatch(sentence):
            head, tail = (self.tell(piece, depth + 1) for piece in noted.groups())
            return f"{head} ({tail})" if (head, tail) != noted.groups() or not head else None
        pieces = sentence.split("、")
        told = [self.tell(piece, depth + 1) for piece in pieces] if len(pieces) > 1 else pieces
        return ", ".join(told) if told != pieces else None


def _is_ours(text: str) -> bool:
    """No text for gettext alone, and more than punctuation."""
    return "%(" not in text and HAN.search(text) is not None


def _form(text: str, said: str) -> Form:
    parts = PLACE.split(text)  # text, place, text, …, text
    plain = "".join(parts[::2])
    strict, loose, names = list[str](), list[str](), set[str]()
    for number, part in enumerate(parts):
        name = f"_{part[1:-1]}"
        if not number % 2 or part in ESCAPED:
            value = another = re.escape(ESCAPED.get(part, part))
        elif f"(?P<{name}>" in "".join(strict):
            value = another = f"(?P={name})"
        else:
            named = NAMED.get(parts[number - 1][-1:], "")
            if part in OWN or (named and not part.isupper()):
                names.add(part)
            held = named or PLAIN, ".*" if named == ".*" else ".*?"
            if parts[number - 1].endswith("（") and parts[number + 1].startswith("）"):
                held = IN_BRACKETS, held[1]
            value, another = (f"(?P<{name}>{one})" for one in held)
        strict.append(value)
        loose.append(another)
    return Form(
        said, max(parts[::2], key=len), len(plain), re.compile("".join(strict), re.DOTALL),
        re.compile("".join(loose), re.DOTALL), frozenset(names), len(HAN.findall(plain)) >= ENOUGH,
    )  # fmt: skip
