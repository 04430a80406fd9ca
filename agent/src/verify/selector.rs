//! The selector of the client pods.

use std::fmt;
use std::str::FromStr;

use shared::defaults::DEFAULT_NAMESPACE;
use shared::mesh::Sample;
use shared::name::Label;

/// Namespace and labels of the client pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSelector {
    /// Their namespace.
    pub namespace: Label,
    /// `key=value,…`
    pub selector: String,
}

impl Default for ClientSelector {
    /// The sample client `sleep`.
    fn default() -> Self {
        let name = Sample::Sleep.as_str();
        Self {
            #[expect(clippy::expect_used, reason = "a constant")]
            namespace: Label::new(DEFAULT_NAMESPACE).expect("a label"),
            selector: format!("app={name}"),
        }
    }
}

/// The text is not `NAMESPACE/SELECTOR`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not of the form NAMESPACE/SELECTOR; use one such as sales/app=probe")]
pub struct ClientSelectorError(String);

impl FromStr for ClientSelector {
    type Err = ClientSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ClientSelectorError(text.to_owned());
        let (namespace, selector) = text.split_once('/').ok_or_else(error)?;
        let namespace = Label::new(namespace).map_err(|_| error())?;
        if selector.is_empty() || selector.contains(char::is_whitespace) {
            return Err(error());
        }
        Ok(Self {
            namespace,
            selector: selector.to_owned(),
        })
    }
}

impl fmt::Display for ClientSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.selector)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientSelector;

    #[test]
    fn invalid_selectors_are_rejected() {
        let selector: ClientSelector = "sales/app=probe,tier!=web".parse().unwrap();
        assert_eq!(selector.to_string(), "sales/app=probe,tier!=web");
        assert_eq!(ClientSelector::default().to_string(), "default/app=sleep");
        for wrong in [
            "",
            "sales",
            "sales/",
            "../x/app=y",
            "a b/app=y",
            "sales/app in (x)",
        ] {
            wrong.parse::<ClientSelector>().unwrap_err();
        }
    }
}
