//! `spec.services[].callers`: the callers of a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Workloads that call a service; at least one field is required.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caller {
    /// Their namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "all")))]
    pub namespace: Option<String>,
    /// Their service accounts; requires `namespace`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::service_accounts", extend("x-default" = "all of the namespace")))]
    pub service_accounts: Vec<String>,
    /// Their clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "all")))]
    pub clusters: Option<Vec<String>>,
    /// Instead of `clusters`: those with these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
}

impl Caller {
    /// The caller as words `namespace/serviceAccount@cluster`, one for each of its service accounts and clusters: `*`
    /// for all namespaces, and nothing after it for all service accounts or all clusters. None for one with a
    /// `clusterSelector`.
    pub fn words(&self) -> Vec<String> {
        if !self.cluster_selector.is_empty() {
            return Vec::new();
        }
        let namespace = self.namespace.as_deref().unwrap_or("*");
        let mut who = vec![namespace.to_owned()];
        if !self.service_accounts.is_empty() {
            let accounts = self.service_accounts.iter();
            who = accounts.map(|one| format!("{namespace}/{one}")).collect();
        }
        let Some(clusters) = &self.clusters else {
            return who;
        };
        let at = |who: String| {
            let clusters = clusters.iter();
            clusters.map(move |cluster| format!("{who}@{cluster}"))
        };
        who.into_iter().flat_map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_in_words() {
        let given = |namespace: &str, accounts: &[&str], clusters: Option<&[&str]>| Caller {
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            service_accounts: accounts.iter().map(|&one| one.to_owned()).collect(),
            clusters: clusters.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
            ..Caller::default()
        };
        for (caller, words) in [
            (given("", &[], None), "*"),
            (given("quay", &[], None), "quay"),
            (given("shop", &["web"], None), "shop/web"),
            (given("", &[], Some(&["porto"])), "*@porto"),
            (given("shop", &["web"], Some(&["porto"])), "shop/web@porto"),
            (
                given("shop", &["api", "web"], Some(&["oslo", "porto"])),
                "shop/api@oslo shop/api@porto shop/web@oslo shop/web@porto",
            ),
            (given("shop", &["web"], Some(&[])), ""),
        ] {
            assert_eq!(caller.words().join(" "), words, "{caller:?}");
        }
        let selected = Caller {
            cluster_selector: BTreeMap::from([("tier".to_owned(), "front".to_owned())]),
            ..given("shop", &[], None)
        };
        assert_eq!(selected.words(), Vec::<String>::new());
    }
}
