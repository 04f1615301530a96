//! Rules across the edge: names, fields, overrides.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors::raise;
use crate::error::{Error, Kind};
use crate::rules::{Mates, Preset, Rules};

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

/// A rule's defaults with overrides, all fields named.
#[pyfunction]
pub(super) fn resolve_rules<'py>(py: Python<'py>, name: &str, overrides: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let mut rules = Preset::from_name(name).map(Rules::new).map_err(|e| raise(py, e))?;
    override_fields(&mut rules, overrides)?;
    rules.validate().map_err(|e| raise(py, e))?;
    fields(py, &rules)
}

/// All fields of a rule, by name.
pub(super) fn fields<'py>(py: Python<'py>, rules: &Rules) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", rules.preset.name())?;
    dict.set_item("min_mapq", rules.min_mapq)?;
    dict.set_item("min_baseq", rules.min_baseq)?;
    dict.set_item("exclude_flags", rules.exclude_flags)?;
    dict.set_item("require_flags", rules.require_flags)?;
    dict.set_item("baq", rules.baq)?;
    dict.set_item("orphans", rules.orphans)?;
    dict.set_item("mates", rules.mates.name())?;
    dict.set_item("deletions", rules.deletions)?;
    dict.set_item("skips", rules.skips)?;
    dict.set_item("max_depth", rules.max_depth)?;
    Ok(dict)
}

fn override_fields(rules: &mut Rules, overrides: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = overrides.py();
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
            _ => {
                let error = Error::new(Kind::InvalidArgument, format!("{key:?} is not a field of Rules")).hint(
                    "the fields are min_mapq, min_baseq, exclude_flags, require_flags, baq, orphans, mates, deletions, skips, max_depth",
                );
                return Err(raise(py, error));
            }
        }
    }
    Ok(())
}

fn wrong_type(key: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    pyo3::exceptions::PyTypeError::new_err(format!("{key} must be {wanted}, not {kind}"))
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

/// The rule a dict of all its fields stands for.
pub(super) fn rules_from(dict: &Bound<'_, PyDict>) -> PyResult<Rules> {
    let py = dict.py();
    let fields = dict.copy()?;
    let name: String = fields.get_item("name")?.map_or(Ok("mpileup".to_owned()), |n| n.extract())?;
    fields.del_item("name").ok();
    let mut rules = Preset::from_name(&name).map(Rules::new).map_err(|e| raise(py, e))?;
    override_fields(&mut rules, &fields)?;
    Ok(rules)
}
