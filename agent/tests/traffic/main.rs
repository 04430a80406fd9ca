//! Requests between meshes: real clusters with pods, Istio, ExternalDNS and a name server.
//!
//! One bed for all, one test at a time; each leaves the clusters as it found them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "../browser/agent_process.rs"]
mod agent_process;
mod bed;
mod broken;
mod failover;
mod following;
mod guide;
mod mtls;
mod outages;
#[path = "../browser/page.rs"]
#[expect(dead_code, reason = "the browser's tests do more with a page")]
mod page;
mod regions;
mod routes;
mod tls;
