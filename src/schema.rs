//! From JSON text to validated options: defaults, strict keys and types, ranges from the JSON schema.

use crate::error::{Error, Result};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Reads a JSON object; empty text is the empty object.
pub fn parse_object(text: &str) -> Result<Map<String, Value>> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Error::InvalidConfig(format!("expected a JSON object, found {}", kind(&other)))),
        Err(error) => Err(Error::InvalidConfig(format!("not valid JSON: {error}"))),
    }
}

/// Lays `given` over `defaults` and reads the result.
///
/// Objects are merged key by key, everything else replaces the default. Unknown keys, wrong types and
/// values outside the ranges of the schema are errors that name the key.
pub fn overlay<T: Serialize + DeserializeOwned + JsonSchema>(
    defaults: &T,
    given: Map<String, Value>,
) -> Result<T> {
    let mut merged = serde_json::to_value(defaults)
        .map_err(|error| Error::Internal(format!("default options to JSON: {error}")))?;
    merge(&mut merged, Value::Object(given));
    let options = read::<T>(merged.clone()).map_err(Error::InvalidConfig)?;
    check_ranges(&of::<T>(), &merged, &mut Vec::new())?;
    Ok(options)
}

/// The same from JSON text.
pub fn overlay_text<T: Serialize + DeserializeOwned + JsonSchema>(defaults: &T, text: &str) -> Result<T> {
    overlay(defaults, parse_object(text)?)
}

/// Deserialises with the path of the offending key in the message.
pub fn read<T: DeserializeOwned>(value: Value) -> std::result::Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { inner.to_string() } else { format!("`{path}`: {inner}") }
    })
}

/// The JSON schema of `T`, without references, so that every key's range stands beside the key.
pub fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value()
}

fn merge(base: &mut Value, given: Value) {
    match (base, given) {
        (Value::Object(base), Value::Object(given)) => {
            for (key, value) in given {
                match base.get_mut(&key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (slot, value) => *slot = value,
    }
}

/// Walks value and schema together and compares numbers and lengths with their bounds.
fn check_ranges(schema: &Value, value: &Value, path: &mut Vec<String>) -> Result<()> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
            let low = bound("minimum").is_some_and(|low| number < low)
                || bound("exclusiveMinimum").is_some_and(|low| number <= low);
            let high = bound("maximum").is_some_and(|high| number > high)
                || bound("exclusiveMaximum").is_some_and(|high| number >= high);
            if low || high || !number.is_finite() {
                return Err(out_of_range(schema, &number.to_string(), path));
            }
        }
        Value::Array(items) => {
            let count = items.len() as u64;
            let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
            if bound("minItems").is_some_and(|low| count < low)
                || bound("maxItems").is_some_and(|high| count > high)
            {
                return Err(out_of_range(schema, &format!("a list of {count}"), path));
            }
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    path.push(format!("[{index}]"));
                    check_ranges(inner, item, path)?;
                    path.pop();
                }
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                if let Some(inner) = schema.get("properties").and_then(|properties| properties.get(key)) {
                    path.push(key.clone());
                    check_ranges(inner, field, path)?;
                    path.pop();
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
    Ok(())
}

fn out_of_range(schema: &Value, found: &str, path: &[String]) -> Error {
    let mut expected = Vec::new();
    for (key, words) in [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("minItems", "at least"),
        ("maxItems", "at most"),
    ] {
        if let Some(bound) = schema.get(key) {
            expected.push(format!("{words} {bound}"));
        }
    }
    Error::InvalidConfig(format!(
        "`{}` is {found}; expected {}",
        path.join(".").replace(".[", "["),
        if expected.is_empty() { "a finite number".to_owned() } else { expected.join(" and ") }
    ))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Numbers that may not be finite: null in JSON, NaN in memory.
pub mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes null for anything that is not finite.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    /// Reads null as NaN.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// The same for lists.
pub mod nans_as_null {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes null for every number that is not finite.
    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.is_finite().then_some(*value)))
    }

    /// Reads null as NaN.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values: Vec<Option<f64>> = Vec::deserialize(deserializer)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}
