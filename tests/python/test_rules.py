"""`Rules`: a frozen value, every filter visible."""

import copy
import dataclasses
import pickle
import re

import numpy as np
import pytest

from fastcov import Rules, _fastcov
from fastcov.errors import InvalidArgumentError

# No tool has these among its defaults.
OPEN = {
    "read_groups": None,
    "strand": None,
    "library": None,
    "min_length": 0,
    "max_length": None,
    "min_fragment": 0,
    "max_fragment": None,
    "unit": "read",
    "ends": None,
}
FIELDS = {
    "mpileup": {
        "min_mapq": 0,
        "min_baseq": 13,
        "exclude_flags": 0x704,
        "require_flags": 0,
        "baq": None,
        "orphans": False,
        "mates": "once",
        "deletions": True,
        "skips": True,
        "max_depth": 8000,
    },
    "depth": {
        "min_mapq": 0,
        "min_baseq": 0,
        "exclude_flags": 0x704,
        "require_flags": 0,
        "baq": False,
        "orphans": True,
        "mates": "both",
        "deletions": False,
        "skips": False,
        "max_depth": 0,
    },
}


@pytest.mark.parametrize("name", ["mpileup", "depth"])
def test_defaults_are_the_tools_own(name):
    rules = Rules(name)
    assert dataclasses.asdict(rules) == {"name": name, **FIELDS[name], **OPEN}
    assert getattr(Rules, name)() == rules


def test_every_rule_of_the_core_can_be_made():
    assert set(_fastcov.rule_names()) >= {"mpileup", "depth"}
    for name in _fastcov.rule_names():
        assert Rules(name).name == name


def test_every_rule_has_a_method_that_says_which_command_it_is():
    methods = {name: getattr(Rules, name.replace("-", "_"), None) for name in _fastcov.rule_names()}
    del methods["perbase-base-depth"]
    for name, method in methods.items():
        assert method() == Rules(name)
        assert method(min_mapq=7) == Rules(name, min_mapq=7)
        # Tool, version and command line.
        assert name == "bases" or re.search(r"As \w+ [\d.]+\d: ``\S[^`]+``", method.__doc__), name
    assert Rules.perbase("base-depth") == Rules("perbase-base-depth")
    assert Rules.pileup("all") == Rules("pileup", orphans=True)
    assert Rules.pileup("nofilter", min_mapq=3) == Rules("pileup", orphans=True, exclude_flags=0x4, min_mapq=3)
    with pytest.raises(InvalidArgumentError, match="stepper='x'"):
        Rules.pileup("x")
    with pytest.raises(InvalidArgumentError, match="mode='x'"):
        Rules.perbase("x")


def test_repr_shows_every_filter_and_reads_back():
    rules = Rules.mpileup(min_mapq=10)
    assert repr(rules) == (
        "Rules('mpileup', min_mapq=10, min_baseq=13, exclude_flags=0x704, require_flags=0x0, baq=None, orphans=False, "
        "mates='once', deletions=True, skips=True, max_depth=8000, read_groups=None, strand=None, library=None, "
        "min_length=0, max_length=None, min_fragment=0, max_fragment=None, unit='read', ends=None)"
    )
    for each in (rules, Rules.depth(deletions=True)):
        assert eval(repr(each)) == each


def test_value_semantics():
    a, b = Rules.mpileup(min_mapq=10), Rules.mpileup(min_mapq=np.int64(10))
    assert a == b
    assert hash(a) == hash(b)
    assert type(b.min_mapq) is int
    assert a != Rules.mpileup()
    assert Rules.depth() != Rules.mpileup()
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.min_mapq = 20


@pytest.mark.parametrize("rules", [Rules.mpileup(baq=False, mates="both", max_depth=0), Rules.depth(deletions=True)])
def test_pickle_and_copy(rules):
    for other in (pickle.loads(pickle.dumps(rules)), copy.copy(rules), copy.deepcopy(rules)):
        assert other == rules


def test_read_groups_are_a_set_of_names():
    rules = Rules.depth(read_groups=["b", "a", "b"])
    assert rules.read_groups == ("a", "b")
    assert rules == Rules.depth(read_groups=("a", "b"))
    assert Rules.depth(read_groups="a").read_groups == ("a",)
    assert eval(repr(rules)) == rules
    assert pickle.loads(pickle.dumps(rules)) == rules
    assert hash(rules) != hash(Rules.depth())


def test_replace_keeps_the_rest():
    rules = Rules.mpileup(min_mapq=10, orphans=True)
    assert rules.replace(min_mapq=20) == Rules.mpileup(min_mapq=20, orphans=True)
    assert rules.replace() == rules
    assert rules.min_mapq == 10


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"min_mapq": 256}, "min_mapq.*256"),
        ({"min_mapq": -1}, "min_mapq.*-1"),
        ({"min_baseq": 2**70}, "min_baseq"),
        ({"exclude_flags": 0x1000}, "exclude_flags"),
        ({"exclude_flags": -1}, "exclude_flags.*-1"),
        ({"exclude_flags": 0x400, "require_flags": 0x400}, "0x400"),
        ({"max_depth": -1}, "max_depth.*-1"),
        ({"max_depth": 2**40}, "max_depth"),
        ({"mates": "one"}, "mates.*one.*once.*both"),
        ({"strand": "forward"}, "strand.*forward"),
        ({"max_length": -1}, "max_length.*-1"),
        ({"min_length": 10, "max_length": 9}, "min_length is above max_length"),
        ({"min_fragment": 10, "max_fragment": 9}, "min_fragment is above max_fragment"),
        ({"unit": "pair"}, "unit.*pair"),
        ({"ends": "left"}, "ends.*left"),
        ({"ends": "5prime", "unit": "fragment"}, "ends with unit"),
        ({"unit": "fragment"}, "unit.*mpileup"),
        ({"ends": "5prime"}, "ends.*mpileup"),
    ],
)
def test_values_out_of_range_are_refused_by_name(how, says):
    with pytest.raises(InvalidArgumentError, match=says) as caught:
        Rules.mpileup(**how)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"min_mapq": 1.0}, "min_mapq must be an integer, not float"),
        ({"min_mapq": True}, "min_mapq must be an integer, not bool"),
        ({"min_mapq": "10"}, "min_mapq must be an integer, not str"),
        ({"min_baseq": None}, "min_baseq must be an integer, not NoneType"),
        ({"orphans": 1}, "orphans must be True or False, not int"),
        ({"deletions": None}, "deletions must be True or False, not NoneType"),
        ({"baq": "yes"}, "baq must be True or False, not str"),
        ({"mates": True}, "mates must be 'once' or 'both', not bool"),
        ({"strand": 1}, "strand must be '\\+', '-' or None, not int"),
        ({"read_groups": 1}, "read_groups must be a string, a list of strings or None, not int"),
        ({"unit": None}, "unit must be 'read' or 'fragment', not NoneType"),
        ({"max_fragment": 1.5}, "max_fragment must be an integer, not float"),
        ({"min_mapp": 3}, "unexpected keyword argument 'min_mapp'; did you mean 'min_mapq'"),
        ({"zzz": 3}, "unexpected keyword argument 'zzz'; the fields of Rules are min_mapq, min_baseq"),
    ],
)
def test_values_of_the_wrong_type_are_refused_by_name(how, says):
    with pytest.raises(TypeError, match=says):
        Rules.mpileup(**how)


@pytest.mark.parametrize("how", [{"baq": True}, {"max_depth": 8000}])
def test_what_the_tool_does_not_have_is_refused(how):
    with pytest.raises(InvalidArgumentError, match=f"{next(iter(how))}.*depth"):
        Rules.depth(**how)


def test_unknown_rule_names_those_there_are():
    with pytest.raises(InvalidArgumentError, match=r"nope.*mpileup.*depth"):
        Rules("nope")
    with pytest.raises(TypeError, match=r"name must be the name of a tool \(str\), not int"):
        Rules(3)
