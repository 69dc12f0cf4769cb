"""Land-use codes of the surveys and of planning, and the classes that the plan counts them in."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from layers.field_values import value_text
from layers.problem import InputError
from layers.text import Entry, Text
from layers.toml import parse, read_toml

LAND_CODES_FILE = "land_codes.toml"
LandTable = Literal["survey3", "use2023"]
LAND_TABLES: tuple[LandTable, ...] = ("use2023", "survey3")

LEAST_KNOWN = 0.5
"""Share of a field's different values that must be codes of a table for it to be proposed."""
_SHOWN = 6
_ONE_CODE = re.compile(r"(?<![0-9A-Z])(\d{2}(?:\d{2}|H\d)?(?:\d{2})?[A-Z]?)(?![0-9A-Z])")
_WHOLE_FLOAT = re.compile(r"^(\d+)\.0+$")
_SECOND_SURVEY = re.compile(r"^\d{3}[A-Z]?$")

Code = Annotated[str, Field(pattern=r"^\d{2}(\d{2}|H\d)?(\d{2})?[A-Z]?$")]
PlanCode = Annotated[str, Field(pattern=r"^(\d{2}){1,3}$")]


class LandCode(Entry):
    """A row of a classification: its name and the code of 用地用海分类 (2023) it belongs to.

    `certain` is false where nothing but memory says so, or where the class holds land of several
    kinds; whoever maps a file is shown it.
    """

    name: Text
    to: PlanCode
    certain: bool = True


class LandCodeTable(Entry):
    """A classification: its title, and its rows by code."""

    title: Text
    codes: Mapping[Code, LandCode]

    @model_validator(mode="before")
    @classmethod
    def _own_code(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("codes"), dict):
            rows = {
                code: {"to": code, **row} if isinstance(row, dict) else row
                for code, row in data["codes"].items()
            }
            return {**data, "codes": rows}
        return data


@dataclass(frozen=True, slots=True)
class Translated:
    """Codes of a column in the plan's classes, and what was not clear on the way.

    `values` has the index of the column, None where its value is missing or unknown. `unknown`
    counts the values that no row explains, `uncertain` those whose row, or whose way to it, is not
    certain; both by the value as it stands in the file.
    """

    values: pd.Series
    unknown: Mapping[str, int]
    uncertain: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TableProposal:
    """Which classification a column follows, None where the planner must say so, and why.

    `contested` are the codes in the column that mean land of another class in the other table.
    """

    table: LandTable | None
    why: Text
    contested: tuple[str, ...] = ()


class LandCodes(Entry):
    """The classifications whose codes can be read."""

    use2023: LandCodeTable
    survey3: LandCodeTable

    @model_validator(mode="after")
    def _known_codes(self) -> Self:
        for code, row in self.survey3.codes.items():
            if row.to not in self.use2023.codes:
                raise ValueError(f"survey3 {code} belongs to '{row.to}', which use2023 lacks")
        return self

    @cached_property
    def _by_name(self) -> Mapping[LandTable, Mapping[str, LandCode]]:
        return {
            name: {_plain(row.name.zh): row for row in self.table(name).values()}
            for name in LAND_TABLES
        }

    def table(self, name: LandTable) -> Mapping[str, LandCode]:
        """Return the rows of a classification by code."""
        return self.use2023.codes if name == "use2023" else self.survey3.codes

    def title_of(self, code: str) -> Text:
        """Name a class of 用地用海分类 (2023), by its code and name; the bare code if unknown."""
        row = self.use2023.codes.get(code)
        if row is None:
            return Text(zh=code, en=code)
        return Text(zh=f"{code} {row.name.zh}", en=f"{code} {row.name.en}")

    def find(self, value: object, name: LandTable) -> LandCode | None:
        """Return the row that a value means, by its code or its Chinese name, None for no row.

        A suffix letter or a longer code falls back to the row above it, and is then not certain;
        but never to a class whose rows belong to different classes of the plan.

        >>> codes = read_land_codes()
        >>> codes.find("1104K", "survey3").to, codes.find("河流水面", "survey3").to
        ('1704', '1701')
        >>> codes.find("0601", "survey3").name.zh, codes.find("0601", "use2023").name.zh
        ('工业用地', '农村道路')
        """
        rows, text = self.table(name), code_text(value)
        if text in rows:
            return rows[text]
        found = _ONE_CODE.findall(text)
        if len(found) != 1:
            return self._by_name[name].get(_plain(text)) if not found else None
        code: str = found[0]
        if code in rows:
            return rows[code]
        for shorter in (code[:4], code[:2]):
            below = {row.to[:2] for other, row in rows.items() if other.startswith(shorter)}
            if shorter != code and shorter in rows and len(below) == 1:
                return rows[shorter].model_copy(update={"certain": False})
        return None

    def translate(
        self,
        column: pd.Series,
        name: LandTable,
        *,
        overrides: Mapping[str, str] | None = None,
        classes: Collection[str] = (),
    ) -> Translated:
        """Translate a column of codes or names into codes of 用地用海分类 (2023).

        `overrides` are the planner's own rows, a value as in the file to its class; an empty class
        means none. Codes come back as the longest of `classes` that begins them, so that a layer's
        style knows them, or in full where none does.

        >>> column = pd.Series(["1104", "0810", "1202", "9999"])
        >>> done = read_land_codes().translate(column, "survey3", classes=["14", "17"])
        >>> done.values.tolist(), done.unknown
        (['17', '14', '0602', None], {'9999': 1})
        """
        own = {value_text(value): to for value, to in (overrides or {}).items()}
        texts = column.map(value_text, na_action="ignore")
        counts = texts.value_counts()
        restored = self.restored(counts.index, name)
        meanings: dict[str, str | None] = {}
        unknown, uncertain = {}, {}
        for value, count in counts.items():
            text = str(value)
            if text in own or not text:
                meanings[text] = own.get(text) or None
                continue
            row = self.find(restored.get(text, text), name)
            meanings[text] = None if row is None else self.reduced(row.to, classes)
            if row is None:
                unknown[text] = int(count)
            elif not row.certain or text in restored:
                uncertain[text] = int(count)
        values = texts.map(meanings, na_action="ignore").astype(object)
        values = values.where(values.notna(), None)
        return Translated(values, unknown, uncertain)

    def reduced(self, code: str, classes: Collection[str]) -> str:
        """Return the longest of the classes that begins a code, or the code where none does."""
        return max((own for own in classes if own and code.startswith(own)), key=len, default=code)

    def restored(self, values: Iterable[str], name: LandTable) -> Mapping[str, str]:
        """Give back the leading zeros that a spreadsheet took, where that is beyond doubt.

        No value may begin with a zero and at least one must have its four or six digits: codes of
        the second survey (二调), of three digits like 203 村庄, are left alone.

        >>> read_land_codes().restored(["301", "1104"], "survey3"), read_land_codes().restored(
        ...     ["203", "122"], "survey3")
        ({'301': '0301'}, {})
        """
        codes = {value: code_text(value) for value in values}
        digits = [code for code in codes.values() if code.isdecimal()]
        whole = any(len(code) in {4, 6} for code in digits)
        if not whole or any(code.startswith("0") for code in digits):
            return {}
        return {
            value: f"0{code}"
            for value, code in codes.items()
            if code.isdecimal() and len(code) % 2 and f"0{code}" in self.table(name)
        }

    def propose_table(
        self, values: Iterable[object], names: Iterable[object] = ()
    ) -> TableProposal:
        """Tell which classification the values of a column follow, from the whole set of them.

        `names` are the values of a column of names beside it (DLMC), if there is one. Many codes
        stand in both tables with another meaning (0601 is industrial land in 三调, a rural road in
        2023), so one code says little: what decides are codes, or names of contested codes, that
        only one of the tables has. Where nothing decides, or both are spoken for, it is asked.

        >>> codes = read_land_codes()
        >>> codes.propose_table(["0101", "0601", "1109"]).table
        'survey3'
        >>> codes.propose_table(["0101", "0601"]).table is None
        True
        """
        given = self._codes(values)
        if not given:
            return TableProposal(None, Text(zh="没有取值", en="there are no values"))
        evidence = {name: self._evidence(given, names, name) for name in LAND_TABLES}
        known = {name: self._known(given, name) for name in LAND_TABLES}
        if max(len(found) for found in known.values()) < LEAST_KNOWN * len(given):
            return TableProposal(None, _not_codes(given))
        contested = tuple(sorted(self._contested(given)))
        speaking = [name for name in LAND_TABLES if evidence[name]]
        if len(speaking) == 1:
            return TableProposal(speaking[0], self._why(speaking[0], evidence), contested)
        if speaking:
            return TableProposal(None, self._both(evidence), contested)
        if contested:
            zh = f"{_list(contested)} 在两套分类中含义不同，其余代码也分不出是哪一套，请指定"
            en = f"{_list(contested)} mean different land in the two tables; say which it follows"
            return TableProposal(None, Text(zh=zh, en=en), contested)
        best = max(LAND_TABLES, key=lambda name: len(known[name]))
        zh, en = (
            "所含代码在两套分类中归为同一类",
            "its codes belong to the same classes in both tables",
        )
        return TableProposal(best, Text(zh=zh, en=en))

    def share_known(self, values: Iterable[object]) -> float:
        """Share of the different values that are codes or names of one of the tables.

        >>> read_land_codes().share_known(["0102", "水浇地", "R2", "M1"])
        0.5
        """
        given = self._codes(values)
        known = {code for name in LAND_TABLES for code in self._known(given, name)}
        return len(known) / len(given) if given else 0.0

    def _codes(self, values: Iterable[object]) -> set[str]:
        given = {code_text(value) for value in values} - {""}
        padded = {k: v for name in LAND_TABLES for k, v in self.restored(given, name).items()}
        return {padded.get(value, value) for value in given}

    def _known(self, given: Iterable[str], name: LandTable) -> set[str]:
        return {code for code in given if self.find(code, name) is not None}

    def _exact(self, text: str, name: LandTable) -> LandCode | None:
        found = _ONE_CODE.findall(text)
        if len(found) == 1:
            return self.table(name).get(found[0])
        return self.find(text, name)

    def _contested(self, given: Iterable[str]) -> Iterable[str]:
        for code in given:
            here, there = (self._exact(code, name) for name in LAND_TABLES)
            if here is not None and there is not None and here.to[:2] != there.to[:2]:
                yield code

    def _evidence(
        self, given: Collection[str], names: Iterable[object], name: LandTable
    ) -> tuple[str, ...]:
        """The values that this table alone explains: codes, or names beside contested codes."""
        other: LandTable = "survey3" if name == "use2023" else "use2023"
        alone = [c for c in given if self._exact(c, name) and not self._exact(c, other)]
        said = {_plain(code_text(value)) for value in names}
        said |= {_plain(_ONE_CODE.sub("", value).strip(" -_()")) for value in given}
        for code in self._contested(given):
            here, there = self._exact(code, name), self._exact(code, other)
            if here is None or there is None:
                continue
            if _plain(here.name.zh) in said and _plain(there.name.zh) not in said:
                alone.append(f"{_ONE_CODE.findall(code)[0]} {here.name.zh}")
        return tuple(sorted(alone))

    def _why(self, name: LandTable, evidence: Mapping[LandTable, Collection[str]]) -> Text:
        title, shown = self.title(name), _list(evidence[name])
        return Text(zh=f"{shown} 只见于{title.zh}", en=f"only in '{title.en}': {shown}")

    def _both(self, evidence: Mapping[LandTable, Collection[str]]) -> Text:
        lists = {name: _list(evidence[name]) for name in LAND_TABLES}
        zh = "，".join(f"{lists[n]} 只见于{self.title(n).zh}" for n in LAND_TABLES)
        en = "; ".join(f"only in '{self.title(n).en}': {lists[n]}" for n in LAND_TABLES)
        return Text(zh=f"{zh}，请指定按哪一套", en=f"{en}; say which one it follows")

    def title(self, name: LandTable) -> Text:
        """Name a classification."""
        return self.use2023.title if name == "use2023" else self.survey3.title


def read_land_codes(path: Path | None = None) -> LandCodes:
    """Read the tables of land-use codes: those of the project, or a file of the same form.

    Raises InputError with every mistake in the file.
    """
    path = path or Path(__file__).with_name(LAND_CODES_FILE)
    codes, problems = parse(LandCodes, read_toml(path), path.name)
    if codes is None:
        raise InputError(problems)
    return codes


def code_text(value: object) -> str:
    """Return a value as a code is written: half-width, capital letters.

    >>> code_text("０３０１ｋ"), code_text("301.0")
    ('0301K', '301')
    """
    text = unicodedata.normalize("NFKC", value_text(value)).strip().upper()
    return _WHOLE_FLOAT.sub(r"\1", text)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).upper()


def _not_codes(given: Collection[str]) -> Text:
    if sum(bool(_SECOND_SURVEY.match(code)) for code in given) > LEAST_KNOWN * len(given):
        zh = f"{_list(given)} 是三位码，像二调地类，本工具没有该表，请逐个指定或换用三调数据"
        en = (
            f"{_list(given)} have three digits, as the second survey (二调) had, for which there"
            " is no table; give each its class, or use data of the third survey"
        )
        return Text(zh=zh, en=en)
    zh = f"{_list(given)} 大多不是用地代码"
    return Text(zh=zh, en=f"{_list(given)} are mostly not land-use codes")


def _list(codes: Collection[str]) -> str:
    shown = ", ".join(sorted(codes)[:_SHOWN])
    return f"{shown} …" if len(codes) > _SHOWN else shown
