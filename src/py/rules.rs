//! `Rules` across the edge: a frozen value, checked once, when it is made.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::errors::raise;
use crate::error::{Error, Kind};
use crate::rules::{CountUnit, Library, Mates, Preset, Rules, Strand};

/// The names of all rules.
#[pyfunction]
pub(super) fn rule_names() -> Vec<&'static str> {
    Preset::ALL.iter().map(|p| p.name()).collect()
}

/// The flags a rule leaves out whatever it is asked for.
#[pyfunction]
pub(super) fn always_excluded(py: Python<'_>, name: &str) -> PyResult<u16> {
    Preset::from_name(name).map(|p| p.traits().always_exclude).map_err(|e| raise(py, e))
}

/// A rule and its read groups, which only a file can check. `fastcov.Rules` is the subclass that has its documentation.
#[pyclass(frozen, eq, hash, subclass, name = "Rules", module = "fastcov._fastcov")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PyRules {
    pub(super) rules: Rules,
    pub(super) read_groups: Option<Vec<String>>,
}

/// Names as a tuple.
struct Names<'a>(&'a [String]);

impl<'py> IntoPyObject<'py> for Names<'_> {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        PyTuple::new(py, self.0)
    }
}

/// Every field once: it becomes an attribute and an item of `__dict__`. PyO3 wants all methods of a class in one block.
macro_rules! class {
    ($this:ident: $($field:ident: $kind:ty = $value:expr),+ $(,)?) => {
        #[pymethods]
        impl PyRules {
            /// The defaults of a tool with overrides.
            #[new]
            #[pyo3(signature = (name, **overrides))]
            fn new(py: Python<'_>, name: &str, overrides: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let mut rules = Preset::from_name(name).map(Rules::new).map_err(|e| raise(py, e))?;
                let read_groups = overrides.map_or(Ok(None), |overrides| override_fields(&mut rules, overrides))?;
                rules.validate().map_err(|e| raise(py, e))?;
                Ok(Self { rules, read_groups })
            }

            $(#[getter]
            fn $field(&self) -> $kind {
                let $this = self;
                $value
            })+

            /// All fields by name, in a new dict.
            #[getter(__dict__)]
            pub(super) fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let $this = self;
                let dict = PyDict::new(py);
                $(dict.set_item(stringify!($field), $value)?;)+
                Ok(dict)
            }
        }
    };
}

class! { this:
    name: &'static str = this.rules.preset.name(),
    min_mapq: u8 = this.rules.min_mapq,
    min_baseq: u8 = this.rules.min_baseq,
    exclude_flags: u16 = this.rules.exclude_flags,
    require_flags: u16 = this.rules.require_flags,
    baq: Option<bool> = this.rules.baq,
    orphans: bool = this.rules.orphans,
    mates: &'static str = this.rules.mates.name(),
    deletions: bool = this.rules.deletions,
    skips: bool = this.rules.skips,
    max_depth: u32 = this.rules.max_depth,
    read_groups: Option<Names<'_>> = this.read_groups.as_deref().map(Names),
    strand: Option<&'static str> = this.rules.select.strand.map(Strand::name),
    library: Option<&'static str> = this.rules.select.library.map(Library::name),
    min_length: u32 = this.rules.select.min_length,
    max_length: Option<u32> = this.rules.select.max_length,
    min_fragment: u32 = this.rules.select.min_fragment,
    max_fragment: Option<u32> = this.rules.select.max_fragment,
    unit: &'static str = this.rules.select.what.names().0,
    ends: Option<&'static str> = this.rules.select.what.names().1,
}

/// Changes the fields named; the read groups, which a rule of the core does not hold.
fn override_fields(rules: &mut Rules, overrides: &Bound<'_, PyDict>) -> PyResult<Option<Vec<String>>> {
    let py = overrides.py();
    let mut read_groups = None;
    let (unit, ends) = rules.select.what.names();
    let (mut unit, mut ends) = (unit.to_owned(), ends.map(str::to_owned));
    for (key, value) in overrides.iter() {
        let key: String = key.extract()?;
        match key.as_str() {
            "min_mapq" => rules.min_mapq = number(&key, &value, 255)? as u8,
            "min_baseq" => rules.min_baseq = number(&key, &value, 255)? as u8,
            "exclude_flags" => rules.exclude_flags = number(&key, &value, 0xfff)? as u16,
            "require_flags" => rules.require_flags = number(&key, &value, 0xfff)? as u16,
            "max_depth" => rules.max_depth = number(&key, &value, u64::from(u32::MAX >> 1))? as u32,
            "baq" => rules.baq = if value.is_none() { None } else { Some(truth(&key, &value)?) },
            "orphans" => rules.orphans = truth(&key, &value)?,
            "deletions" => rules.deletions = truth(&key, &value)?,
            "skips" => rules.skips = truth(&key, &value)?,
            "mates" => {
                let text: String = value.extract().map_err(|_| wrong_type(&key, &value, "'once' or 'both'"))?;
                rules.mates = Mates::from_name(&text).map_err(|e| raise(py, e))?;
            }
            "min_length" => rules.select.min_length = number(&key, &value, u64::from(u32::MAX))? as u32,
            "max_length" => rules.select.max_length = limit(&key, &value)?,
            "min_fragment" => rules.select.min_fragment = number(&key, &value, u64::from(u32::MAX))? as u32,
            "max_fragment" => rules.select.max_fragment = limit(&key, &value)?,
            "strand" => {
                let name = text(&key, &value, "'+', '-' or None")?;
                rules.select.strand = name.map(|name| Strand::from_name(&name)).transpose().map_err(|e| raise(py, e))?;
            }
            "library" => {
                let name = text(&key, &value, "'forward', 'reverse' or None")?;
                rules.select.library = name.map(|name| Library::from_name(&name)).transpose().map_err(|e| raise(py, e))?;
            }
            "unit" => unit = text(&key, &value, "'read' or 'fragment'")?.ok_or_else(|| wrong_type(&key, &value, "'read' or 'fragment'"))?,
            "ends" => ends = text(&key, &value, "'5prime', '3prime' or None")?,
            "read_groups" => read_groups = names(&key, &value)?,
            _ => return Err(PyTypeError::new_err(format!("{key:?} is not a field of Rules"))),
        }
    }
    rules.select.what = CountUnit::from_names(&unit, ends.as_deref()).map_err(|e| raise(py, e))?;
    Ok(read_groups)
}

/// A text or None.
fn text(key: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyResult<Option<String>> {
    if value.is_none() { Ok(None) } else { value.extract().map(Some).map_err(|_| wrong_type(key, value, wanted)) }
}

/// One text, or several; None.
fn names(key: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let wrong = |_| wrong_type(key, value, "a string, a list of strings or None");
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(name) = value.extract::<String>() {
        return Ok(Some(vec![name]));
    }
    let mut names: Vec<String> =
        value.try_iter().map_err(wrong)?.map(|name| name?.extract::<String>()).collect::<PyResult<_>>().map_err(wrong)?;
    names.sort();
    names.dedup();
    Ok(Some(names))
}

/// A number or None, no limit.
fn limit(key: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
    if value.is_none() { Ok(None) } else { Ok(Some(number(key, value, u64::from(u32::MAX))? as u32)) }
}

fn wrong_type(key: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    PyTypeError::new_err(format!("{key} must be {wanted}, not {kind}"))
}

fn truth(key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    // NumPy's bool is a bool here, an int is not.
    let text = value.get_type().name()?.to_string();
    if text == "bool" || text == "bool_" { value.is_truthy() } else { Err(wrong_type(key, value, "True or False")) }
}

fn number(key: &str, value: &Bound<'_, PyAny>, most: u64) -> PyResult<u64> {
    let kind = value.get_type().name()?.to_string();
    if kind == "bool" || kind == "bool_" || !value.hasattr("__index__")? {
        return Err(wrong_type(key, value, "an integer"));
    }
    let n = value.call_method0("__index__")?;
    n.extract::<u64>().ok().filter(|&n| n <= most).ok_or_else(|| {
        let error =
            Error::new(Kind::InvalidArgument, format!("{key}={n} is out of range")).hint(format!("give an integer from 0 to {most}"));
        raise(value.py(), error)
    })
}
