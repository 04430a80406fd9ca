//! JSON in and out, by way of [`Value`]: so each type is compiled for one writer and one reader, and
//! not for every pair of them. That is a fifth of the page's size.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A value as text.
pub fn write<T: Serialize>(value: &T) -> String {
    // What the page writes has text keys only, so it always has a form in JSON.
    serde_json::to_value(value).unwrap_or_default().to_string()
}

/// A value from text, or why it is none.
pub fn value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// What a text says, or why it says nothing.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    value(text).and_then(|value| of(&value))
}

/// What a value says, or why it says nothing.
pub fn of<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}
