//! Errors of the command-line parser.

use clap::error::{ContextKind, ContextValue};
use shared::text::shorten;

use super::output;

/// The error, with the given values shortened and without control characters.
pub(super) fn printable(mut error: clap::Error) -> clap::Error {
    let safe = |text: &str| output::printable(&shorten::value(text)).into_owned();
    let context: Vec<(ContextKind, ContextValue)> = error
        .context()
        .map(|(kind, value)| {
            let value = match value {
                // These values are constants of the program.
                _ if matches!(kind, ContextKind::ValidValue | ContextKind::ValidSubcommand) => {
                    value.clone()
                }
                ContextValue::String(text) => ContextValue::String(safe(text)),
                ContextValue::Strings(texts) => {
                    ContextValue::Strings(texts.iter().map(|text| safe(text)).collect())
                }
                // Suggestions contain the given value.
                ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(
                    texts
                        .iter()
                        .filter(|text| {
                            let text = text.to_string();
                            safe(&text) == text
                        })
                        .cloned()
                        .collect(),
                ),
                value => value.clone(),
            };
            (kind, value)
        })
        .collect();
    for (kind, value) in context {
        error.insert(kind, value);
    }
    error
}
