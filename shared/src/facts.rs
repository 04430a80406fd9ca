//! What only the clusters know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was observed in the clusters; empty where nobody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Cluster name → addresses in the status of its gateway's Service. An empty list means that
    /// somebody looked and there was none; no entry means that nobody looked.
    pub gateways: BTreeMap<String, Vec<String>>,
    /// The same of east-west gateways.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub east_west_gateways: BTreeMap<String, Vec<String>>,
}
