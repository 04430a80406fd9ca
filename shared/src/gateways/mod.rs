//! Gateways of clusters: their kinds, and which of their addresses are published.

pub mod kind;
pub mod last_known;
pub mod workload;
