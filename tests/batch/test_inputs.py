"""Files become rows: nothing is lost, lines are right, and every format says the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import pickle
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgrules.assessment.case import case_text, make_case, parse_case, read_case
from imgrules.batch.documents import CaseFiles, parse_line
from imgrules.batch.facts import Facts, read_facts
from imgrules.batch.inputs import Inputs, open_inputs
from imgrules.batch.mapping import Mapping
from imgrules.batch.plainyaml import NotPlain, read_plain
from imgrules.batch.raw import Reject
from imgrules.errors import InputError, ProblemsError
from imgrules.rulebase.document import read_document
from imgrules.rulebase.rulebase import Rulebase
from tests.batch.dirty import DAY, Row, assert_means_the_same, judged, random_rows, read_back
from tests.cases import random_case

SEEDS = st.integers(min_value=0, max_value=10**6)
ROOT = Path(__file__).parents[2]


def read_all(
    paths: Sequence[Path | str] | Inputs, rules: Rulebase, rows: int = 3, mapping: Mapping | None = None
) -> Facts:
    """All parts of the inputs, each after a journey to another process, put together."""
    inputs = paths if isinstance(paths, Inputs) else open_inputs(paths, rows_per_part=rows, mapping=mapping)
    inputs.check(rules)
    frames, rejects = [], []
    for number, part in enumerate(inputs.parts()):
        raw = pickle.loads(pickle.dumps(part)).read()
        facts = read_facts(raw, rules, as_of=DAY, mapping=mapping)
        assert part.index == number
        assert [r.row for r in facts.rejects] == sorted(r.row for r in facts.rejects)
        told = sorted([*raw.rejects, *facts.rejects], key=lambda reject: reject.row)
        assert facts.frame.height + len(told) == part.rows
        taken = {r.row for r in told} | {raw.rows[i] for i in facts.frame["row"]}
        assert taken == set(range(part.first_row, part.first_row + (part.rows or 0)))
        frames.append(facts.frame.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String)))
        rejects += told
    return Facts(pl.concat(frames, how="diagonal_relaxed"), rejects)


def write(rows: Sequence[Row], form: str, folder: Path) -> Path:
    """The same random table in one of the formats."""
    texts = [row.texts() for row in rows]
    path = folder / f"people.{form}"
    if form == "parquet":
        pl.DataFrame(texts).write_parquet(path, row_group_size=2)
    elif form == "ndjson":
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in texts))
    elif form == "xlsx":
        book = openpyxl.Workbook()
        for line in [list(texts[0]), *(list(row.values()) for row in texts)]:
            book.active.append(line)
        book.save(path)
    else:
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter={"csv": ",", "tsv": "\t", "txt": ";"}[form])
        writer.writerows([list(texts[0]), *(list(row.values()) for row in texts)])
        path.write_bytes((b"\xef\xbb\xbf" if form == "txt" else b"") + stream.getvalue().encode())
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "txt", "parquet", "ndjson", "xlsx"])
@settings(max_examples=15)
@given(seed=SEEDS)
def test_every_format_means_what_make_case_says(
    rules: Rulebase, tmp_path_factory: pytest.TempPathFactory, form: str, seed: int
) -> None:
    """A dirty table of text, by small parts, in each format."""
    rows = random_rows(rules, seed)
    path = write(rows, form, tmp_path_factory.mktemp("tables"))
    assert_means_the_same(read_all([path], rules), rows, rules)


NASTY = st.text(alphabet='ab,;"\n\r \tü\0', max_size=6)


@given(st.data())
def test_no_row_of_a_csv_file_is_lost(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cells with delimiters, quotes and line breaks come back exactly; broken rows come back as their text and line."""
    width, mark = data.draw(st.integers(2, 4)), data.draw(st.sampled_from(",;\t"))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    quoting: Any = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    every: Any = csv.QUOTE_ALL
    text, line, rows, broken = io.StringIO(), 2, [], []
    writer = csv.writer(text, delimiter=mark, lineterminator=end, quoting=quoting)
    text.write(mark.join(f"c{i}" for i in range(width)) + end)
    for _ in range(data.draw(st.integers(1, 8))):
        start = text.tell()
        fault = data.draw(st.sampled_from(["", "", "", "few", "many", "blank", "bytes", "quote"]))
        if fault in ("", "bytes"):
            # a first cell that is never blank: a line of white space alone is no row
            cells = [f"r{line}", *data.draw(st.lists(NASTY, min_size=width - 1, max_size=width - 1))]
            if fault:
                cells[-1] += "\udcff"
            bare_return = any("\r" in cell for cell in cells)  # the writer may leave it bare: it would end the line
            (csv.writer(text, delimiter=mark, lineterminator=end, quoting=every) if bare_return else writer).writerow(
                cells
            )
        elif fault == "quote":
            text.write(mark.join([f"r{line}", '"open"x', *["z"] * (width - 2)]) + end)
        else:
            cells = ["x"] * {"few": width - 1, "many": width + 1, "blank": 0}[fault]
            text.write(mark.join(cells) + end)
        written = text.getvalue()[start:]
        if fault == "":
            rows.append((line, [cell or None for cell in cells]))
        elif fault != "blank":
            broken.append((line, fault, written.removesuffix(end)))
        line += written.count("\n")
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    path.write_bytes(text.getvalue().encode(errors="surrogateescape"))
    found: list[tuple[int, list[Any]]] = []
    rejects: list[Reject] = []
    for part in open_inputs([path], rows_per_part=data.draw(st.integers(1, 4))).parts():
        raw = part.read()
        assert raw.table.height + len(raw.rejects) == part.rows
        found += zip(raw.lines, map(list, raw.table.rows()), strict=True)
        rejects += raw.rejects
    assert found == rows
    codes = {"few": "T001", "many": "T001", "bytes": "T002", "quote": "T003"}
    assert [(r.line, r.errors[0]["code"]) for r in rejects] == [(at, codes[fault]) for at, fault, _ in broken]
    assert [r.raw for r in rejects] == [text.replace("\udcff", "\\xff") for _, _, text in broken]


@given(st.binary(max_size=60), st.integers(1, 3))
def test_any_bytes_are_rows_or_rejects(tmp_path_factory: pytest.TempPathFactory, body: bytes, rows: int) -> None:
    """Whatever a file holds, each line that is not blank is told of once; without quotes each is a row of its own."""
    body = body.replace(b'"', b"'")
    path = tmp_path_factory.mktemp("csv") / "people.csv"
    path.write_bytes(b"case,visa.status\n" + body)
    lines = [number for number, line in enumerate(body.split(b"\n"), 2) if line.strip(b"\r")]
    told: list[int] = []
    for part in open_inputs([path], rows_per_part=rows).parts():
        raw = part.read()
        told += sorted([*raw.lines, *(reject.line or 0 for reject in raw.rejects)])
    assert told == lines


def test_an_open_quote_costs_one_row(rules: Rulebase, tmp_path: Path) -> None:
    """It does not swallow the rows below, even where a later quote would close it."""
    path = tmp_path / "people.csv"
    path.write_text('case,visa.status\na,"lpr\nb,lpr\nc,"lpr"\n"d\nd",lpr\ne,5" tall\n')
    facts = read_all([path], rules, rows=10)
    assert facts.frame["case"].to_list() == ["b", "c", "d\nd"]
    assert [(r.line, r.raw if isinstance(r.raw, str) else r.raw["visa.status"]) for r in facts.rejects] == [
        (2, 'a,"lpr'),
        (7, '5" tall'),
    ]
    path.write_text('case,visa.status\na,"lpr\nb,lpr\nc,x",lpr\n')
    facts = read_all([path], rules, rows=10)
    assert facts.frame["case"].to_list() == ["b"]
    assert [(r.line, r.errors[0]["code"]) for r in facts.rejects] == [(2, "T003"), (4, "T001")]


def test_headers_that_cannot_be_used(tmp_path: Path) -> None:
    """Empty files, other encodings, old line ends and doubled names are told before any work."""
    for content, words in (
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        ("case,a\n".encode("utf-16"), "UTF-16"),
        (b"case,\xff\n", "not UTF-8"),
        (b"case,a\rx,1\r", "CR alone"),
        (b"case,a,a\n", "more than one column a"),
    ):
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(InputError, match=words):
            open_inputs([tmp_path / "x.csv"], rows_per_part=10)


def test_ids_are_made_from_file_and_line(rules: Rulebase, tmp_path: Path) -> None:
    """Where no column holds ids; a mapping may say which does."""
    path = tmp_path / "people.csv"
    path.write_text("Name,visa.status\nAda,lpr\n\nEve,lpr\n")
    facts = read_all([path], rules, mapping=Mapping(ignore=frozenset({"Name"})))
    assert facts.frame["case"].to_list() == [f"{path}:2", f"{path}:4"]
    assert read_all([path], rules, mapping=Mapping({"Name": "case"})).frame["case"].to_list() == ["Ada", "Eve"]


def test_unknown_columns_of_all_inputs_are_told_at_once(rules: Rulebase, tmp_path: Path) -> None:
    """Before any row is read, with the file of each."""
    (tmp_path / "a.csv").write_text("case,visa.statu\n")
    (tmp_path / "b.ndjson").write_text('{"case": "x", "visa": {"colour": "red", "status": null}}\n')
    pl.DataFrame({"case": ["x"], "": [1]}).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(ProblemsError) as caught:
        open_inputs([tmp_path], rows_per_part=10).check(rules)
    assert [(Path(p.file).name, p.message) for p in caught.value.problems] == [
        ("a.csv", "There is no fact visa.statu."),
        ("b.ndjson", "There is no fact visa.colour."),
        ("c.parquet", "There is no fact (a column without a name)."),
    ]


# ---- Parquet


def test_parquet_parts_do_not_depend_on_row_groups(rules: Rulebase, tmp_path: Path) -> None:
    """Folders of part files in order, records unfolded, any number of rows per part."""
    table = pl.DataFrame(
        {
            "case": [f"p{i}" for i in range(7)],
            "usmle": [{"step1": {"passed": i % 2 == 0, "attempts": i}} for i in range(7)],
            "person.citizenships": [["IN"], [], None, ["PK", "IN"], ["IN"], ["IN"], ["IN"]],
        }
    )
    folder = tmp_path / "data set"
    folder.mkdir()
    table.head(4).write_parquet(folder / "part-0.parquet", row_group_size=3)
    table.tail(3).write_parquet(folder / "part-1.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-0.parquet.crc").write_text("x")
    for rows in (1, 2, 5, 100):
        inputs = open_inputs([folder], rows_per_part=rows)
        assert inputs.total == 7
        frame = read_all(inputs, rules).frame
        assert frame["case"].to_list() == [f"p{i}" for i in range(7)]
        assert frame["usmle.step1.attempts"].to_list() == list(range(7))
        assert frame["person.citizenships"].to_list() == ["IN", "", None, "IN PK", "IN", "IN", "IN"]
    assert read_all([folder / "*.parquet"], rules).frame.height == 7


def test_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    """Damaged files and data sets that keep a column in the names of folders are refused."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        open_inputs([tmp_path / "x.parquet"], rows_per_part=10)
    (tmp_path / "set" / "year=2026").mkdir(parents=True)
    pl.DataFrame({"case": ["x"]}).write_parquet(tmp_path / "set" / "year=2026" / "0.parquet")
    with pytest.raises(InputError, match="year=2026"):
        open_inputs([tmp_path / "set"], rows_per_part=10)
    inputs = open_inputs([tmp_path / "set" / "year=2026" / "0.parquet"], rows_per_part=10)
    parts = list(inputs.parts())
    (tmp_path / "set" / "year=2026" / "0.parquet").unlink()
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        parts[0].read()


# ---- NDJSON


def nested(facts: dict[str, Any], r: Random) -> dict[str, Any]:
    """Facts with some of their dotted names nested."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        node, rest = found, name
        while "." in rest and r.random() < 0.5:
            first, _, rest = rest.partition(".")
            node = node.setdefault(first, {})
        node[rest] = value
    return found


@settings(max_examples=25)
@given(SEEDS)
def test_documents_mean_what_make_case_says(
    rules: Rulebase, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Lines with nested and dotted facts, unknown names, facts given twice and objects in the place of values."""
    r = Random(seed)
    odd: list[dict[str, Any]] = [
        {"usmle": {"step1": {"pased": True}}}, {"usmle.step1": {"passed": {"a": 1}}}, {"usmle": {}}, {"usmle.step3": None},
        {"visa.colour": None}, {"usmle.step1.passed": None, "usmle": {"step1.passed": True}}, {"x": 1}, {"visa.status": {}},
        {"usmle": {"step1.passed": True}, "usmle.step1": {"passed": None}}, {"case": 1}, {"as_of": "2020-01-01"},
        {"usmle": 3}, {"usmle.attempts_total": 1}, {"visa.status": 3, "usmle.step1.attempts": True, "oet.writing": "x"},
        {"usmle.step1.passed_on": [1]}, {"usmle.step1.attempts": 10**30},
    ]  # fmt: skip
    lines, meant = [], []
    for i in range(6):
        case = random_case(rules, seed + i, 0.1)
        facts = nested(json.loads(case_text(case))["facts"], r)
        if r.random() < 0.6:
            facts = {**facts, **r.choice(odd)}
        day = case.as_of.isoformat()
        body = {"case": f"p{i}", "as_of": day, "jurisdictions": list(case.jurisdictions), "facts": facts}
        lines.append(json.dumps(body))
        meant.append((day, case.jurisdictions, facts))
    path = tmp_path_factory.mktemp("nd") / "people.ndjson"
    path.write_text('{"case": "first"}\n\n' + "\r\n".join(lines))
    found = read_all([path], rules, rows=4)
    good = {row["case"]: row for row in found.frame.to_dicts()}
    bad = {reject.case: reject for reject in found.rejects}
    for i, (day, codes, facts) in enumerate(meant):
        meant_case, problems = judged(partial(make_case, facts, rules, as_of=day, jurisdictions=codes))
        if meant_case is None:
            told = [(e["code"], e["message"]) for e in bad[f"p{i}"].errors]
            assert sorted(told) == sorted((p.code, p.message) for p in problems), facts
            assert bad[f"p{i}"].raw == lines[i]
            assert bad[f"p{i}"].line == i + 3
        else:
            assert f"p{i}" in good, bad[f"p{i}"].errors
            assert read_back(good[f"p{i}"], rules) == meant_case.facts


def test_lines_that_are_no_cases(rules: Rulebase, tmp_path: Path) -> None:
    """Each kind of bad line is handed back whole, with its line; the others are read."""
    path = tmp_path / "people.jsonl"
    lines = [
        b'\xef\xbb\xbf{"case": "a", "facts": {}, "about": "Ada"}', b"{", b"[1]", b'{"case": 1, "case": 2}', b'{"case": "\xff"}',
        b'{"case": "\\ud800"}', b'{"case": "b", "facts": {}, "x": 1}', b'{"case": "c", "facts": 3}', b"", b'{"case": 4, "facts": null}',
        b"[" * 100_000, b'{"case": ' + b"9" * 5000 + b"}",
    ]  # fmt: skip
    path.write_bytes(b"\n".join(lines))
    facts = read_all([path], rules)
    assert facts.frame["case"].to_list() == ["a", "4"]
    assert [(r.line, r.errors[0]["code"]) for r in facts.rejects] == [
        (2, "T004"), (3, "T004"), (4, "T004"), (5, "T002"), (6, "T002"), (7, "T004"), (8, "T004"), (11, "T004"), (12, "T004"),
    ]  # fmt: skip
    assert parse_line(b'{"a": NaN, "b": Infinity}') == {"a": None, "b": "Infinity"}
    for content, words in ((b"", "is empty"), (b"\xff\xfe{\0}\0", "UTF-16")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            open_inputs([path], rows_per_part=10)
    path.write_text("{\n")
    assert len(read_all([path], rules).rejects) == 1


def test_a_mapping_holds_for_documents(rules: Rulebase, tmp_path: Path) -> None:
    """Nested names are renamed and ignored by their dotted form."""
    path = tmp_path / "people.ndjson"
    path.write_text('{"id": 7, "exam": {"one": "Y"}, "notes": {"a": {"b": 1}}, "visa": {"colour": 1}}\n' * 2)
    mapping = Mapping(
        {"id": "case", "exam.one": "usmle.step1.passed"},
        {"usmle.step1.passed": {"Y": True}},
        frozenset({"notes", "visa.colour"}),
    )
    frame = read_all([path], rules, mapping=mapping).frame
    assert frame["case"].to_list() == ["7", "7"]
    assert frame["usmle.step1.passed"].to_list() == [True, True]
    again = '{"id": 8, "exam": {"one": "Y", "two": 2}, "notes": {}}\n{"id": 9, "exam": {"one": "Y"}, "usmle.step1.passed": true}\n'
    path.write_text('{"id": 7}\n' + again)
    facts = read_all([path], rules, rows=5, mapping=mapping)
    assert [(r.case, r.errors[0]["message"]) for r in facts.rejects] == [
        ("8", "There is no fact exam.two."),
        ("9", "usmle.step1.passed is given twice."),
    ]
    path.write_text('{"id": 7}\n{"id": 8, "case": 9}\n')
    [reject] = read_all([path], rules, mapping=mapping).rejects
    assert reject.errors[0]["message"] == "case is given twice."


# ---- case files

PIECES = st.sampled_from(
    ["a", "1", "-2", "2.50", ".5", "true", "No", "~", "null", "2026-01-02", "2026-02-30", "'x y'", '"\\u00e9"', "&a 1", "*a",
     "!!str 5", "[1, x]", "{a: b, a: c}", "{}", "[", "|\n  text", "# remark", "---", "0x1F", "1e3", "", "a: b", "? x", "é"]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "1", "'q'", "true", ""]), PIECES), max_size=5), st.booleans())
def test_the_quick_yaml_reader_is_exact_or_declines(pairs: list[tuple[str, str]], flow: bool) -> None:
    """What it reads is what the reader of rule files reads, and that one finds nothing wrong."""
    lines = [f"{key}: {value}" for key, value in pairs]
    text = "{" + ", ".join(lines) + "}" if flow else "\n".join(lines)
    try:
        data = read_plain(text)
    except NotPlain:
        return
    document = read_document(text, "")
    assert document.problems == []
    assert repr(data) == repr(document.data)


def test_the_quick_yaml_reader_reads_our_cases() -> None:
    """All golden cases, and the same as the reader of rule files; a deep nest is declined."""
    for path in list((ROOT / "cases").rglob("*.yaml"))[:120]:
        text = path.read_text()
        assert read_plain(text) == read_document(text, "").data
    for text in ("[" * 60 + "]" * 60, "a: 1\n---\nb: 2", "a: 2026-02-30", ""):
        with pytest.raises(NotPlain):
            read_plain(text)


BAD_FILES = {
    "anchor.yaml": "case: anchor\nfacts: {usmle.step1.attempts: &n 2, usmle.step3.attempts: *n}\n",
    "broken.yaml": "facts: [",
    "dated.yaml": "case: dated\nas_of: 2026-02-30\n",
    "empty.json": "",
    "exact.yaml": "case: ' exact '\nfacts: {visa.status: ' unknown', person.citizenships: 'IN;PK'}\n",
    "group.yaml": "case: group\nfacts: {usmle: {}, visa: }\n",
    "nocase.yaml": "facts: {}\n",
    "order.yml": "case: order\njurisdictions: [ny, California, NY]\nfacts: {}\n",
    "today.yaml": "case: today\nfacts:\n  usmle.step1.passed_on: 2026-11-23\n",
    "twice.yaml": "case: twice\nfacts:\n  usmle.step1.attempts: 2\n  usmle: {step1: {attempts: x}}\n",
    "under.yaml": "case: under\nfacts:\n  case: 3\n  as_of: 2020-01-01\n",
    "wrong.json": '{"case": "wrong", "jurisdictions": ["ZZ"],\n "facts": {"usmle.step1.attempts": 99,\n "visa.statu": 1}}',
}


def test_a_folder_of_case_files_means_what_read_case_says(rules: Rulebase, tmp_path: Path) -> None:
    """Good and bad files, problems with their lines, and the day of the run where a file names none."""
    for name, text in BAD_FILES.items():
        (tmp_path / name).write_text(text)
    for i in range(8):
        case = random_case(rules, i, 0.3)
        (tmp_path / f"z{i}.json").write_text(case_text(case))
    facts = read_all([tmp_path], rules)
    good = {row["case"]: row for row in facts.frame.to_dicts()}
    bad = {Path(reject.file).name: reject for reject in facts.rejects}
    for path in sorted(tmp_path.iterdir()):
        read, problems = judged(partial(read_case, path, rules))
        if read is None:
            told = [(e["code"], e["message"], e.get("line", 1)) for e in bad[path.name].errors]
            assert told == [(p.code, p.message, p.line) for p in problems]
            assert bad[path.name].raw == path.read_text()
            assert bad[path.name].line == problems[0].line
        elif path.name != "today.yaml":
            assert read_back(good[read.id], rules) == read.facts
            assert good[read.id]["jurisdictions"].split() == sorted(read.jurisdictions)
    assert {"anchor.yaml", "group.yaml", "order.yml", "z0.json"}.isdisjoint(bad)
    assert "lies after the day judged on (22 November 2026)" in bad["today.yaml"].errors[0]["message"]
    (tmp_path / "today.yaml").write_text("case: today\nas_of: 2030-01-01\nfacts: {usmle.step1.passed_on: 2026-11-23}\n")
    [part] = open_inputs([tmp_path / "today.yaml"], rows_per_part=1).parts()
    assert read_facts(part.read(), rules, as_of=DAY).rejects == []
    assert len(read_facts(part.read(), rules, as_of=DAY, one_day=True).rejects) == 1


def test_case_files_that_cannot_be_opened(rules: Rulebase, tmp_path: Path) -> None:
    """Bytes that are not text, a file too large and one that is gone are rejects, whole."""
    (tmp_path / "binary.yaml").write_bytes(b"case: \xff\n")
    (tmp_path / "huge.yaml").write_text("case: huge\n" + "#" * 1_000_000)
    (tmp_path / "left.yaml").write_text("case: left\n")
    (tmp_path / "mac.yaml").write_bytes(b"\xef\xbb\xbfcase: mac\rfacts: {}\r")
    inputs = open_inputs([tmp_path], rows_per_part=10)
    (tmp_path / "left.yaml").unlink()
    facts = read_all(inputs, rules)
    assert facts.frame["case"].to_list() == ["mac"]
    assert [(Path(r.file).name, r.errors[0]["code"], len(r.raw)) for r in facts.rejects] == [
        ("binary.yaml", "T006", 11), ("huge.yaml", "T006", 1_000_011), ("left.yaml", "T006", 0),
    ]  # fmt: skip
    assert parse_case("case: mac\rfacts: {}\r", rules).id == "mac"


# ---- Excel


def test_a_sheet_is_read_as_it_shows(rules: Rulebase, tmp_path: Path) -> None:
    """Types, blank rows, stray cells, errors and numbers with the noise of floating point; rows as Excel counts them."""
    path = tmp_path / "people.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("People")
    for row in (
        [], ["case", "usmle.step1.passed", "usmle.step1.passed_on", "licence.held_years", "usmle.step1.attempts"],
        ["a", True, date(2024, 3, 1), 0.3000000000000001, 2], [], ["b", "false", "2024-03-02", 2, 2.0], ["c", "#DIV/0!", None, None, None],
        ["d", None, None, None, None, "stray"], [5, None, None, " ", None], [None, None, None, None, 1],
    ):  # fmt: skip
        sheet.append(row)
    book.save(path)
    facts = read_all([f"{path}#People"], rules)
    assert facts.frame.select("case", "usmle.step1.passed", "licence.held_years", "usmle.step1.attempts").rows() == [
        ("a", True, 3000, 2), ("b", False, 20_000, 2), ("5", None, None, None),
    ]  # fmt: skip
    assert facts.frame["usmle.step1.passed_on"].to_list() == [date(2024, 3, 1), date(2024, 3, 2), None]
    assert [(r.line, r.errors[0]["code"]) for r in facts.rejects] == [(6, "C011"), (7, "T001"), (9, "T012")]
    with pytest.raises(InputError, match=r"no sheet Peple. Did you mean People"):
        open_inputs([f"{path}#Peple"], rows_per_part=10)
    with pytest.raises(InputError, match="is empty"):
        open_inputs([path], rows_per_part=10)


def test_workbooks_that_cannot_be_used(tmp_path: Path) -> None:
    """Formulas without results would be read as unknown; other files are not workbooks; names stand once."""
    path = tmp_path / "people.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["case", "usmle.step1.attempts"])
    book.active.append(["a", "=1+1"])
    book.save(path)
    with pytest.raises(InputError, match="formulas whose results are not in the file"):
        open_inputs([path], rows_per_part=10)
    book.active.append(["a", "b"])
    book.active["B2"] = 1
    book.active["B1"] = "case"
    book.save(path)
    with pytest.raises(InputError, match="more than one column case"):
        open_inputs([path], rows_per_part=10)
    path.write_text("no workbook")
    with pytest.raises(InputError, match="cannot be read as an Excel workbook"):
        open_inputs([path], rows_per_part=10)


# ---- the inputs as a whole


def test_parts_are_numbered_over_all_inputs(rules: Rulebase, tmp_path: Path) -> None:
    """In the order given, the same every time, with sizes and hashes of the files."""
    (tmp_path / "b.csv").write_text("case\n1\n2\n3\n")
    (tmp_path / "a.csv").write_text("case\n4\n")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "x.yaml").write_text("case: x\n")
    (tmp_path / "cases" / "y.yaml").write_text("case: y\n")
    paths = [tmp_path / "b.csv", tmp_path / "a.csv", tmp_path / "cases", tmp_path / "cases" / "x.yaml"]
    inputs = open_inputs(paths, rows_per_part=2)
    found = [(p.index, Path(p.file).name, p.first_row, p.rows) for p in inputs.parts()]
    assert found == [
        (0, "b.csv", 0, 2),
        (1, "b.csv", 2, 1),
        (2, "a.csv", 0, 1),
        (3, "cases", 0, 2),
        (4, "x.yaml", 0, 1),
    ]
    assert found == [(p.index, Path(p.file).name, p.first_row, p.rows) for p in inputs.parts()]
    assert inputs.total is None
    assert open_inputs(paths[2:], rows_per_part=2).total == 3
    assert inputs.bytes == 11 + 7 + 16 + 8
    described = inputs.describe()
    assert [d["size"] for d in described] == [11, 7, 16, 8]
    x, y = (hashlib.sha256(f"case: {n}\n".encode()).hexdigest() for n in "xy")
    assert described[0]["sha256"] == hashlib.sha256(b"case\n1\n2\n3\n").hexdigest()
    assert described[2]["sha256"] == hashlib.sha256(f"x.yaml {x}\ny.yaml {y}\n".encode()).hexdigest()
    assert described[3]["sha256"] == x
    assert isinstance(inputs.sources[2], CaseFiles)


def test_inputs_that_cannot_be_used(tmp_path: Path) -> None:
    """Each with what is wrong and what to do."""
    (tmp_path / "a.csv").write_text("case\n")
    (tmp_path / "a.pdf").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.csv").write_text("case\n")
    (tmp_path / "mixed" / "a.yaml").write_text("case: a\n")
    for names, words in (
        (["nowhere.csv"], "no file or folder"), (["*.tsv"], "No file is named like"), (["a.pdf"], "no table that can be read"),
        (["empty"], "holds no tables"), (["mixed"], "both tables"), ([], "nothing to read"), (["a.csv", "a.csv"], "given twice"),
        (["nowhere.xlsx#Sheet"], "no file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            open_inputs([tmp_path / name for name in names], rows_per_part=10)
    with pytest.raises(InputError, match="at least 1"):
        open_inputs([tmp_path / "a.csv"], rows_per_part=0)
    assert list(open_inputs([tmp_path / "*.csv"], rows_per_part=10).sources[0].columns or ()) == ["case"]
