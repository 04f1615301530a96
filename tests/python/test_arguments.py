"""Keywords that every function shares: their signatures, and what is said about names that are not there."""

import dataclasses
import inspect
import typing

import pytest

import fastcov
from fastcov import Rules
from fastcov._names import DEFAULTS
from fastcov.errors import InvalidArgumentError
from fastcov.rules import FIELDS, RuleFields

FUNCTIONS = [
    getattr(fastcov, name)
    for name in (
        "base_counts", "compare", "coverage", "coverage_matrix", "distribution", "flag_summary", "get_coverage",
        "insert_sizes", "iter_coverage", "qc", "quantize", "target_stats", "window_stats",
    )
]  # fmt: skip
WITHOUT_RULES = (fastcov.flag_summary, fastcov.insert_sizes)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_signatures_show_every_keyword(function):
    parameters = inspect.signature(function).parameters
    assert not any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    shared = [name for name in DEFAULTS if not (function is fastcov.coverage_matrix and name == "index")]
    assert [parameters[name].default for name in shared] == [DEFAULTS[name] for name in shared]
    fields = [] if function in WITHOUT_RULES else list(FIELDS)
    assert [name for name in parameters if name in FIELDS] == fields
    assert {str(parameters[name].default) for name in fields} <= {"<of the rule>"}
    assert function.__doc__


def test_signatures_of_rules():
    for make in (Rules, Rules.depth, Rules.perbase, Rules.depth().replace):
        assert [name for name in inspect.signature(make).parameters if name in FIELDS] == list(FIELDS)


def test_the_typed_keywords_are_the_fields_of_rules():
    kinds = typing.get_type_hints(RuleFields)
    assert tuple(kinds) == FIELDS == Rules.__match_args__[1:]
    fields = {each.name: each.type for each in dataclasses.fields(Rules)}
    # One read group may be given by its name alone.
    assert {n: k for n, k in kinds.items() if n != "read_groups"} == {
        n: k for n, k in fields.items() if n not in ("name", "read_groups")
    }


# From samtools, pysam, mosdepth, deepTools, polars and joblib; and misspelt.
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("threads", "n_cores"),
        ("cores", "n_cores"),
        ("n_jobs", "n_cores"),
        ("n_threads", "n_cores"),
        ("numberOfProcessors", "n_cores"),
        ("reference", "ref"),
        ("reference_filename", "ref"),
        ("fasta", "ref"),
        ("index_filename", "index"),
        ("min_mapping_quality", "min_mapq"),
        ("minMappingQuality", "min_mapq"),
        ("mapq", "min_mapq"),
        ("min_MQ", "min_mapq"),
        ("min_base_quality", "min_baseq"),
        ("quality_threshold", "min_baseq"),
        ("baseq", "min_baseq"),
        ("flag_filter", "exclude_flags"),
        ("flag", "exclude_flags"),
        ("samFlagInclude", "require_flags"),
        ("ignore_orphans", "orphans"),
        ("ignore_overlaps", "mates"),
        ("stepper", "rules"),
        ("read_group", "read_groups"),
        ("sample", "read_groups"),
        ("region", "regions"),
        ("verbose", "progress"),
        ("min_mapp", "min_mapq"),
        ("timeuot", "timeout"),
    ],
)
def test_a_keyword_of_another_tool_names_the_one_here(given, meant):
    with pytest.raises(TypeError) as caught:
        fastcov.coverage("x.bam", **{given: 1})
    assert str(caught.value) == f"coverage got an unexpected keyword argument {given!r}; did you mean {meant!r}?"


def test_an_unknown_keyword_lists_those_there_are():
    with pytest.raises(TypeError) as caught:
        fastcov.flag_summary("x.bam", zzz=1)
    assert str(caught.value) == (
        "flag_summary got an unexpected keyword argument 'zzz'; its arguments are bam, ref, n_cores, index, "
        "allow_truncated, progress, timeout, max_memory"
    )


@pytest.mark.parametrize("function", WITHOUT_RULES, ids=lambda function: function.__name__)
def test_a_function_without_a_rule_takes_no_field_of_one(function):
    with pytest.raises(TypeError, match="unexpected keyword argument 'min_mapq'"):
        function("x.bam", min_mapq=3)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("mosdepth_fast", "did you mean 'mosdepth-fast'?"),
        ("Mpileup", "did you mean 'mpileup'?"),
        ("samtools", "did you mean 'mpileup' or 'depth'?"),
        ("samtools depth", "did you mean 'depth'?"),
        ("pysam", "did you mean 'count_coverage' or 'pileup'?"),
        ("bamCoverage", "did you mean 'bamcoverage'?"),
        ("mosdpeth", "did you mean 'mosdepth'?"),
    ],
)
def test_the_name_of_a_rule_is_guessed(given, says):
    for call in (lambda: Rules(given), lambda: fastcov.coverage("x.bam", rules=given)):
        with pytest.raises(InvalidArgumentError) as caught:
            call()
        assert str(caught.value) == f"rules={given!r} is not a rule; {says}"


def test_rules_made_from_rules(tmp_path):
    """A subclass keeps its class; the dict of the fields is a copy."""

    class Mine(Rules):
        pass

    mine = Mine("depth", read_groups=["b", "a"])
    assert type(mine.replace(min_mapq=3)) is Mine
    assert mine.replace(min_mapq=3).read_groups == ("a", "b")
    assert repr(mine) == repr(Rules("depth", read_groups=["b", "a"]))
    rules = Rules.depth()
    assert vars(rules) == dataclasses.asdict(rules)
    vars(rules)["min_mapq"] = 9
    assert rules.min_mapq == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        del rules.min_mapq
    with pytest.raises(dataclasses.FrozenInstanceError):
        rules.more = 1
    assert dataclasses.replace(rules, min_mapq=4) == Rules.depth(min_mapq=4)
