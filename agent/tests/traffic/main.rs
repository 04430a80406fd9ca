//! Requests between meshes: real clusters with pods, Istio, ExternalDNS and a name server.
//!
//! One bed for all, one test at a time; two where there are processors for them. A test takes away what it added
//! beside its document, and starts from an empty bed or from the usual document, whose pods then need not start
//! again.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod addresses;
#[path = "../browser/agent_process.rs"]
#[expect(dead_code, reason = "tests of its end wait for it")]
mod agent_process;
mod bed;
mod bookinfo;
mod broken;
mod callers;
mod cluster_domains;
mod drill;
mod external;
mod failover;
mod far;
mod following;
mod gateway_api;
mod guide;
mod helm_gateways;
mod host_names;
mod kubefed;
mod locality;
mod mtls;
mod outages;
mod overrides;
#[path = "../browser/page.rs"]
#[expect(dead_code, reason = "the browser's tests do more with a page")]
mod page;
mod protocols;
mod regions;
mod routes;
mod tls;
mod turns;
mod upgrading;
mod zones;
