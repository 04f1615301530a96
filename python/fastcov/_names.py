"""Names of arguments and rules: what a user means by one that is not there, and signatures that show all there are."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

__all__ = ["DEFAULTS", "expanded", "hint"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# The defaults of the shared keywords, in the order in which a signature shows them.
DEFAULTS: dict[str, Any] = {
    "ref": None,
    "n_cores": None,
    "index": None,
    "allow_truncated": False,
    "progress": False,
    "timeout": None,
    "max_memory": None,
}

# What other tools call a keyword, without "-" and "_" and in lower case.
_ELSEWHERE = {
    "bam": ("alignmentfile", "bamfile", "bampath", "filename", "filepath", "infile", "input", "samfile"),
    "bams": ("bam", "bamfiles", "files", "inputs"),
    "region": ("chrom", "contig", "interval", "loc", "locus", "position", "range", "regions"),
    "regions": ("chrom", "contig", "contigs", "chromosome", "chromosomes", "intervals", "loc", "region"),
    "chrom": ("chromosome", "contig", "reference", "seqid", "seqname", "tid"),
    "start": ("begin", "pos", "startpos"),
    "end": ("endpos", "stop"),
    "bed": ("bedfile", "by", "intervals", "regions", "targets"),
    "rules": ("method", "mode", "preset", "rule", "stepper", "tool"),
    "ref": ("fasta", "fastafile", "genome", "genomefasta", "refgenome", "reference", "referencefilename", "reffile"),
    "index": ("bai", "baifile", "bamindex", "csi", "filepathindex", "indexfile", "indexfilename"),
    "n_cores": (
        "cores", "cpus", "ncpus", "njobs", "nproc", "nprocesses", "nthreads", "numberofprocessors", "numprocs",
        "numthreads", "processes", "processors", "threads", "workers",
    ),
    "progress": ("progressbar", "showprogress", "tqdm", "verbose"),
    "timeout": ("deadline", "timelimit"),
    "max_memory": ("maxmem", "mem", "memory", "memorylimit"),
    "allow_truncated": ("ignoretruncation",),
    "min_mapq": (
        "mapq", "mappingquality", "mapqthreshold", "minmappingquality", "minmq", "mq", "qualityfilter",
    ),
    "min_baseq": (
        "basequality", "baseq", "bq", "minbasequality", "minbaseqquality", "minbq", "qualitythreshold",
    ),
    "exclude_flags": (
        "exclflags", "exclude", "excludeflag", "ff", "filterflag", "filterflags", "flag", "flagfilter", "flags",
        "samflagexclude",
    ),
    "require_flags": ("flagrequire", "include", "includeflag", "includeflags", "inclflags", "rf", "samflaginclude"),
    "baq": ("computebaq", "nobaq", "redobaq"),
    "orphans": ("countorphans", "ignoreorphans"),
    "mates": ("doublecount", "ignoreoverlaps", "overlaps"),
    "deletions": ("countdeletions", "dels", "includedeletions"),
    "skips": ("introns", "refskips", "splits"),
    "max_depth": ("depthcap", "maxcov", "maxcoverage"),
    "read_groups": ("readgroup", "readgroupid", "rg", "sample", "samples"),
    "min_length": ("minlen", "minreadlen", "minreadlength"),
    "max_length": ("maxlen", "maxreadlen", "maxreadlength"),
    "min_fragment": ("minfraglen", "minfragmentlength", "mininsert", "minisize", "mintlen"),
    "max_fragment": ("maxfraglen", "maxfragmentlength", "maxinsert", "maxisize", "maxtlen"),
    "size": ("binsize", "by", "window", "windowsize"),
    "step": ("slide", "stepsize"),
    "bins": ("edges", "quantize"),
    "batch_rows": ("batchsize", "chunksize"),
    "runs": ("bedgraph", "bga"),
}  # fmt: skip

# Programs that have several rules.
_PROGRAMS = {
    "samtools": ("mpileup", "depth"),
    "bedtools": ("genomecov", "genomecov-split"),
    "pysam": ("count_coverage", "pileup"),
    "deeptools": ("bamcoverage",),
    "bamdepth": ("depth",),
    "coverage": ("bases", "depth"),
    "default": ("bases",),
    "fastcov": ("bases",),
    "perbasebasedepth": ("perbase-base-depth",),
    "perbaseonlydepth": ("perbase",),
}


class _OfTheRule:
    """The default of a field of Rules in a signature."""

    def __repr__(self) -> str:
        return "<of the rule>"


def expanded(function: _Function) -> _Function:
    """Write the keys of ``**options: Unpack[…]`` out in the signature that ``help``, IPython and ``inspect`` show."""
    given = inspect.signature(function)
    *own, rest = given.parameters.values()
    (shared,) = get_args(rest.annotation)
    kinds = inspect.get_annotations(shared)
    first = [name for name in DEFAULTS if name in kinds]
    more = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS.get(name, _OfTheRule()), annotation=kinds[name]
        )
        for name in dict.fromkeys([*first, *kinds])
    ]
    vars(function)["__signature__"] = given.replace(parameters=[*own, *more])
    return function


def hint(given: str, known: Iterable[str], what: str) -> str:
    """The end of a message about a name that is not there: the one that is meant, or all there are."""
    names = list(known)
    near = _meant(given, names)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"{what} {', '.join(names)}"


def _meant(given: str, names: list[str]) -> list[str]:
    """What of ``names`` a user most likely means by ``given``, the name in another tool or a misspelt one."""
    plain = _plain(given)
    same = [name for name in names if _plain(name) == plain]
    elsewhere = [name for name in names if plain in _ELSEWHERE.get(name, ())]
    program = [name for name in _PROGRAMS.get(plain, ()) if name in names]
    # "samtools depth", "samtools_mpileup": the program and the rule.
    behind = [name for name in names if _plain(name) and any(plain == p + _plain(name) for p in _PROGRAMS)]
    return same or elsewhere or program or behind or get_close_matches(given, names, n=1)


def _plain(name: str) -> str:
    return name.lower().translate({ord(c): None for c in "-_ "})
