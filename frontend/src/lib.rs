//! The page of fedmesh: a form for the Mesh document, with manifests, names and findings that follow as the user
//! types, and the connection to the agent.
//!
//! **Invariant**: everything that the page knows about a mesh comes from the crate `shared`. Code that not every
//! visit needs is in programs of its own, loaded on demand: checking and rendering, reading YAML, importing
//! manifests and packing archives in workers; planning, applying and verifying in the part `review`.

#![allow(
    clippy::wildcard_imports,
    reason = "`signals` is a prelude of traits and handles"
)]
#![allow(
    clippy::large_types_passed_by_value,
    reason = "a bundle of handles to signals is Copy, and closures own theirs"
)]
#![allow(
    clippy::large_enum_variant,
    reason = "the page has one state, not many"
)]

mod agent;
mod app;
mod browser;
mod components;
mod form;
pub mod json;
mod pages;
mod result;
mod review;
mod state;
pub mod workers;

pub use app::start;
pub use review::start as start_review;
