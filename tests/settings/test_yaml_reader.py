"""Our YAML files are read as YAML 1.2 core, with lines, and what the engine reads otherwise is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from settings.problems import Problem, SettingsError
from settings.yaml_reader import MAX_DEPTH, Document, read_file, read_text

ENGINE: dict[str, Any] = json.loads((Path(__file__).parent / "engine_scalars.json").read_text(encoding="utf-8"))["read"]


def refused(text: str) -> tuple[Problem, ...]:
    """What the reader refuses a text for."""
    with pytest.raises(SettingsError) as error:
        read_text(text, "a.yaml")
    return error.value.problems


def value(scalar: str) -> Any:
    """What a plain scalar is read as."""
    return read_text(f"key: {scalar}", "a.yaml").data["key"]


@pytest.mark.parametrize(
    "text", ["on", "off", "Off", "yes", "no", "y", "N", "9:00", "1:30", "=", "_1", "1,000", "tRUE"]
)
def test_words_that_yaml_1_1_takes_for_something_else_are_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000),
        ("8000.0", 8000),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
    ],
)
def test_scalars_of_the_core_schema_have_their_types(text: str, expected: Any) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "0755",
        "089",
        "00",
        "1_000",
        "1_0.5",
        "0x1_F",
        "0b101",
        "0B101",
        "0X1F",
        "-0x1f",
        "0O17",
        "-0o7",
        "2024-01-01",
        "2024-1-1 10:00:00",
        "1_000_",
    ],
)
def test_scalars_that_two_readers_take_differently_are_refused_with_quotes_as_the_fix(text: str) -> None:
    (problem,) = refused(f"top:\n  key: {text}")
    assert problem.path == ("top", "key")
    assert problem.line == 2
    assert problem.reason == f"{text} means different things to different YAML readers"
    assert problem.fix == f'write "{text}"'
    assert read_text(f'key: "{text}"', "a.yaml").data == {"key": text}


@pytest.mark.parametrize("scalar", sorted(ENGINE))
def test_no_scalar_means_one_thing_here_and_another_in_the_engine(scalar: str) -> None:
    try:
        ours: Any = value(scalar)
    except SettingsError:
        return  # refused is always safe
    assert ours == ENGINE[scalar]
    assert type(ours) is type(ENGINE[scalar])


def test_the_engine_takes_most_of_these_scalars_as_we_do() -> None:
    same = []
    for scalar, theirs in ENGINE.items():
        try:
            same.append(value(scalar) == theirs)
        except SettingsError:
            continue
    assert sum(same) > 40


@pytest.mark.parametrize(
    ("text", "reason", "fix"),
    [
        ("a: .inf", '".inf" is no finite number', "give a finite number, or write it in quotes"),
        ("a: .nan", '".nan" is no finite number', "give a finite number, or write it in quotes"),
        ("a: 1e400", '"1e400" is no finite number', "give a finite number, or write it in quotes"),
        ("a: 9007199254740993", '"9007199254740993" is a huge number', "write it in quotes"),
        ("a: 1e22", '"1e22" is a huge number', "write it in quotes"),
        (f"a: {'9' * 5000}", f'"{"9" * 57}..." is a huge number', "write it in quotes"),
        ("a: !!bool yes", '"yes" is not what the tag tag:yaml.org,2002:bool says', "leave the tag out"),
        ("a: !!int 'x'", '"x" is not what the tag tag:yaml.org,2002:int says', "leave the tag out"),
        ("a: !foo bar", '"bar" is not what the tag !foo says', "leave the tag out"),
        ("a: !!set {b}", "the tag tag:yaml.org,2002:set is not supported", "leave the tag out"),
        ("a: !foo [b]", "the tag !foo is not supported", "leave the tag out"),
    ],
)
def test_numbers_and_tags_that_no_two_readers_share_are_refused(text: str, reason: str, fix: str) -> None:
    (problem,) = refused(text)
    assert (problem.path, problem.reason, problem.fix) == (("a",), reason, fix)


@pytest.mark.parametrize(
    ("text", "reason", "fix"),
    [
        ("1: a", "the key 1 is no text", 'write "1":'),
        ("true: a", "the key true is no text", 'write "true":'),
        ("~: a", "the key ~ is no text", 'write "~":'),
        ("2024-01-01: a", "the key 2024-01-01 is no text", 'write "2024-01-01":'),
        ("0x_1: a", "the key 0x_1 is no text", 'write "0x_1":'),
        ("? [a]\n: b", "a list or map as key is no text", "give it a name"),
        ("? \n: b", "an empty key is no text", "give it a name"),
    ],
)
def test_a_key_that_is_no_text_is_refused_with_its_spelling_in_quotes(text: str, reason: str, fix: str) -> None:
    (problem,) = refused(text)
    assert (problem.reason, problem.fix, problem.line) == (reason, fix, 1)


def test_a_key_that_stands_twice_is_refused_at_its_second_line() -> None:
    (problem,) = refused("top:\n  a: 1\n  b: 2\n  a: 3\n")
    assert problem.path == ("top", "a")
    assert problem.line == 4
    assert problem.reason == "the key stands twice in this map"


def test_every_fault_of_a_file_is_told_at_once() -> None:
    assert [p.line for p in refused("a: 0755\nb: 1_0\nb: 2\n1: x\n")] == [1, 2, 3, 4]


def test_merge_keys_are_refused_and_a_quoted_one_is_a_key_like_any_other() -> None:
    (problem,) = refused("a: &x {b: 1}\nc:\n  <<: *x\n")
    assert "merge keys" in problem.reason
    assert (problem.path, problem.line) == (("c",), 3)
    assert read_text('"<<": 1', "a.yaml").data == {"<<": 1}


def test_a_shared_alias_is_written_out_in_each_place() -> None:
    document = read_text("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n", "a.yaml")
    shared = {"b": [1, 2]}
    assert document.data == {"a": shared, "c": shared, "d": [shared, shared]}


def test_an_alias_of_itself_is_refused() -> None:
    (problem,) = refused("a: &x\n  b: *x\n")
    assert "refer to itself" in problem.reason


def test_a_file_that_explodes_by_aliases_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    start = time.perf_counter()
    (problem,) = refused("\n".join(lines))
    assert "grow without end" in problem.reason
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "text",
    [
        "[" * 70 + "]" * 70,
        "{a: " * 70 + "1" + "}" * 70,
        "\n".join(f"{'  ' * i}a:" for i in range(70)),
        "[" * 200_000,
        "[" * 200_000 + "]" * 200_000,
        "{a: " * 100_000,
        "- " * 100_000 + "x",
        "? " * 100_000 + "x",
    ],
    ids=["lists", "maps", "blocks", "open lists", "many lists", "open maps", "items", "keys"],
)
def test_a_file_that_is_nested_without_end_is_refused_and_never_ends_the_process(text: str) -> None:
    start = time.perf_counter()
    problems = refused(text)
    assert any(f"nested more than {MAX_DEPTH} levels" in problem.reason for problem in problems)
    assert time.perf_counter() - start < 5


def test_lines_lead_to_the_key_and_to_list_items() -> None:
    document = read_text("a:\n  b: 1\n  c:\n    - x\n    - y: 2\nd: {e: 3}\n", "a.yaml")
    expected = {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 4, ("a", "c", 1, "y"): 5, ("d", "e"): 6}
    for path, line in expected.items():
        assert document.line_of(path) == line
    assert document.line_of(("a", "b", "deeper")) == 2
    assert document.line_of(("nowhere",)) == 1


def test_a_part_of_a_document_keeps_its_lines() -> None:
    part = read_text("config:\n  x:platform:\n    base: a\n    b: {c: 1}\n", "a.yaml").at(("config", "x:platform"))
    assert part.data == {"base": "a", "b": {"c": 1}}
    assert part.line_of(("b", "c")) == 4
    assert part.has(("b", "c"))
    assert not part.has(("b", "d"))


def test_a_document_without_lines_still_knows_what_it_says() -> None:
    document = Document("from the engine", {"a": {"b": [1, {"c": None}]}})
    assert document.has(("a", "b", 1, "c"))
    assert not document.has(("a", "b", 2))
    assert not document.has(("a", "b", "1"))
    assert document.line_of(("a",)) is None
    assert document.get(("a", "b", 0)) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3),
        ("a: 'x\n", 2),
        ("a: b: c\n", 1),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: 1\nb: \x07\n", 2),
        ("a: *nobody\n", 1),
        ("a: @x\n", 1),
        ('a: "\\ud800"\n', 1),
    ],
)
def test_a_syntax_error_names_its_line_and_what_to_look_at(text: str, line: int) -> None:
    (problem,) = refused(text)
    assert problem.line == line
    assert problem.file == "a.yaml"
    assert problem.reason.startswith("is no valid YAML: ")
    assert "indentation" in problem.fix


def test_an_empty_file_and_one_of_comments_hold_nothing() -> None:
    assert read_text("", "a.yaml").data is None
    assert read_text("# nothing yet\n", "a.yaml").data is None


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: x\r\n")
    assert read_file(file).data == {"a": 1, "b": {"c": "x"}}


@pytest.mark.parametrize("make", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_a_problem_with_its_name(tmp_path: Path, make: str) -> None:
    file = tmp_path / "a.yaml"
    if make == "folder":
        file.mkdir()
    elif make == "bytes":
        file.write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(SettingsError) as error:
        read_file(file)
    (problem,) = error.value.problems
    assert problem.file == "a.yaml"
    assert problem.reason.startswith("cannot be read: ")
