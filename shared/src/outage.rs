//! stub
use std::collections::BTreeSet;
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Outage {
    pub clusters: BTreeSet<usize>,
    pub gateways: BTreeSet<usize>,
    pub services: BTreeSet<(usize, usize)>,
}
