//! JSON as it is exchanged between the programs of the page, with the agent and with the browser's storage.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as text.
pub fn write<T: Serialize>(value: &T) -> String {
    // The page writes text keys only, so this does not fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// Parses a text.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
