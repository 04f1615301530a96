"""Rules about the sources that neither the compiler nor `clippy.toml` keeps."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"
FILES = {str(path.relative_to(SOURCES)): path.read_text() for path in sorted(SOURCES.rglob("*.rs"))}


def code(text: str) -> str:
    """A file without its comments and without the tests at its end."""
    text = re.sub(r"//.*", "", text)
    return text.split("#[cfg(test)]\nmod tests {")[0]


CODE = {name: code(text) for name, text in FILES.items() if not name.endswith("tests.rs")}


def users(pattern: str) -> set[str]:
    return {name for name, text in CODE.items() if re.search(pattern, text)}


# The rooms of the crate from the lowest to the highest, as in `src/lib.rs`. A room imports only lower ones.
ROOMS = [
    {"error"},
    {"memory", "coords"},
    {"source"},
    {"rules", "plan"},
    {"summary"},
    {"table", "write"},
    {"pass"},
    {"depth", "evidence"},
    {"call"},
    {"py"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
IMPORTS = sorted(
    {
        (name.split("/")[0].removesuffix(".rs"), room)
        for name, text in CODE.items()
        if name != "lib.rs"
        for room in re.findall(r"\bcrate::(\w+)", text)
        if room in LEVEL
    }
)


def test_every_file_lies_in_a_room():
    assert {name.split("/")[0].removesuffix(".rs") for name in FILES} - {"lib"} == set(LEVEL)
    assert len(IMPORTS) > 30


@pytest.mark.parametrize(("room", "imported"), IMPORTS)
def test_no_import_runs_against_the_diagram(room, imported):
    assert room == imported or LEVEL[imported] < LEVEL[room], f"{room} imports {imported}"


def test_only_the_edge_names_python():
    assert {name for name in users(r"\b(pyo3|numpy|pyo3_arrow)::") if not name.startswith("py")} == set()


def test_counting_opens_no_file():
    assert {name for name in users(r"InputFile::open") if name.startswith("depth/")} == set()


def test_unsafe_only_where_it_is_listed():
    """Rooms for the processor's instructions, waits and advice, the allocator; clippy wants a reason for each block."""
    allowed = {"depth/masks.rs", "depth/baq/simd.rs", "call/pages.rs", "memory.rs", "source/stream.rs"}
    assert users(r"\bunsafe\b") <= allowed


ENTRIES = [
    (name, function)
    for name, text in CODE.items()
    if name.startswith("py/")
    for function in re.split(r"#\[pyfunction\]", text)[1:]
]


@pytest.mark.parametrize(
    ("name", "function"), ENTRIES, ids=lambda value: re.search(r"\w+", value.split("fn ")[-1]).group()
)
def test_a_function_that_reads_a_file_works_detached_and_guarded(name, function):
    """Otherwise a panic would be an exception that ``except Exception`` misses, and other threads would wait."""
    function = function.split("\n}\n")[0]
    if re.search(r"\bbam: PathBuf", function):
        assert re.search(r"\b(guarded|run)\(py", function), f"{name}: a panic would get out of this function"
        assert not re.search(r"call::(?!\{)[a-z_]+\(", re.split(r"\b(?:guarded|run)\(py", function)[0])


def test_entry_points_are_found():
    """The test above would pass on nothing, too."""
    assert sum("bam: PathBuf" in function for _, function in ENTRIES) >= 6


def test_the_module_asks_for_the_gil():
    """Until its tests have run on a free-threaded interpreter."""
    assert "#[pymodule(gil_used = true)]" in CODE["py.rs"]
