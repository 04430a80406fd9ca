//! Findings of checks, imports and engines: their catalogue, their form, and their collector.

pub mod code;
mod finding;

pub use finding::{Finding, Fix, Severity};

use std::collections::BTreeSet;

use crate::name::{HostName, Label, NameError};
use crate::passthrough::is_path;
use crate::text::shorten;
use code::Code;

/// Collects findings.
#[derive(Debug, Default)]
pub struct Findings(
    /// In the order in which they were found.
    pub Vec<Finding>,
);

impl Findings {
    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: Code,
        path: &str,
        message: String,
        hint: String,
    ) {
        // An unrendered template is not fixed by hand.
        let hint = match crate::yaml::template_hint(&message) {
            Some(template) => template.to_owned(),
            None => shorten::owned(hint),
        };
        self.0.push(Finding {
            code: code.id.to_owned(),
            severity,
            path: path.to_owned(),
            message: shorten::owned(message),
            hint,
            fix: None,
        });
    }

    pub(crate) fn error(&mut self, code: Code, path: &str, message: String, hint: String) {
        self.add(Severity::Error, code, path, message, hint);
    }

    pub(crate) fn warning(&mut self, code: Code, path: &str, message: String, hint: String) {
        self.add(Severity::Warning, code, path, message, hint);
    }

    pub(crate) fn hint(&mut self, code: Code, path: &str, message: String, hint: String) {
        self.add(Severity::Hint, code, path, message, hint);
    }

    /// Adds each of the findings once: the same object may be in several clusters.
    pub(crate) fn add_new(&mut self, found: Self) {
        let mut known = BTreeSet::new();
        for one in found.0 {
            if known.insert((one.path.clone(), one.message.clone())) {
                self.0.push(one);
            }
        }
    }

    /// Adds a fix to the last finding that sets its field to `value`.
    pub(crate) fn fix(&mut self, value: String) {
        if let Some(last) = self.0.last_mut() {
            last.fix = Some(Fix {
                path: last.path.clone(),
                value,
            });
        }
    }

    /// The same for another field than the finding's, which may be unset.
    pub(crate) fn fix_at(&mut self, path: &str, value: &str) {
        if let Some(last) = self.0.last_mut() {
            last.fix = Some(Fix {
                path: path.to_owned(),
                value: value.to_owned(),
            });
        }
    }

    /// Parses a label; otherwise there is a finding. `what` is the named object.
    pub(crate) fn label(&mut self, path: &str, text: &str, what: &str) -> Option<Label> {
        match Label::new(text) {
            Ok(label) => Some(label),
            Err(error) => {
                self.bad_label(path, text, what, &error);
                None
            }
        }
    }

    /// Whether `text` is the path of a request; otherwise there is a finding.
    pub(crate) fn path(&mut self, path: &str, text: &str) -> bool {
        let good = is_path(text);
        if !good {
            self.error(
                code::BAD_PATH,
                path,
                format!("{text:?} is not a valid request path"),
                "write a path that starts with a slash, such as /html".into(),
            );
        }
        good
    }

    /// Parses the name of a Secret; otherwise there is a finding. `place` is its required namespace.
    pub(crate) fn secret(&mut self, path: &str, text: &str, place: &str) -> Option<HostName> {
        match HostName::new(text) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(
                    code::NOT_A_LABEL,
                    path,
                    format!("{text:?} {error}"),
                    format!("write the name of a Secret in {place}"),
                );
                None
            }
        }
    }

    fn bad_label(&mut self, path: &str, text: &str, what: &str, error: &NameError) {
        if *error == NameError::Empty {
            self.error(
                code::EMPTY,
                path,
                format!("{what} has no name"),
                "write a DNS label: lower-case letters, digits and hyphens".into(),
            );
            return;
        }
        self.error(
            code::NOT_A_LABEL,
            path,
            format!("{text:?} {error}"),
            "use a DNS label: at most 63 lower-case letters, digits and hyphens (RFC 1123)".into(),
        );
        let corrected = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        if corrected != text && Label::new(&corrected).is_ok() {
            self.fix(corrected);
        }
    }
}
