//! The core of fedmesh: from a Mesh document to proven manifests and a plan.
//!
//! ```text
//! Mesh ──check──▶ findings + Resolved ──render──▶ Placed ──engine──▶ Bundle
//! Bundle + Observed ──plan──▶ Plan
//! ```
//!
//! **Invariant**: this crate is pure. No I/O, no clock, no randomness, no environment; the same
//! input gives the same bytes on every machine and in the browser. `clippy.toml` beside it bans
//! the usual ways around that.

pub mod access;
pub mod api;
pub mod bundle;
pub mod check;
pub mod cluster_dns;
pub mod defaults;
pub mod engine;
pub mod explain;
pub mod facts;
pub mod findings;
pub mod gateways;
pub mod import;
pub mod istio;
pub mod kubernetes;
pub mod manifests;
pub mod mesh;
pub mod name;
pub mod origin;
pub mod passthrough;
pub mod placed;
pub mod plan;
pub mod render;
pub mod resolved;
pub mod text;
pub mod traffic;
pub mod verify;
pub mod yaml;

pub use check::check;
pub use mesh::Mesh;
