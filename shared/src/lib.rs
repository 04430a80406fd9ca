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
pub mod adoption;
pub mod answers;
pub mod api;
pub mod bundle;
pub mod callers;
pub mod check;
pub mod cluster_dns;
mod credential;
pub mod decisions;
pub mod dependency;
pub mod diff;
pub mod digest;
pub mod drift;
mod duration;
mod endpoints;
pub mod engine;
pub mod expect;
pub mod explain;
pub mod facts;
pub mod followed;
pub mod gateway_kind;
pub mod guard;
pub mod handover;
pub mod ignore;
pub mod import;
pub mod in_step;
mod istio;
pub mod last_known;
mod local;
pub mod locality;
pub mod mesh;
pub mod mutual;
pub mod name;
pub mod object;
pub mod outage;
pub mod outlived;
pub mod ownership;
pub mod placed;
pub mod plan;
pub mod published;
pub mod render;
pub mod resolved;
pub mod shorten;
pub mod simulate;
pub mod verify;
pub mod wanted;
pub mod yaml;

pub use check::check;
pub use mesh::Mesh;
