//! The page of fedmesh: a form for the Mesh document, with manifests, names and findings that follow as the user
//! types, and the connection to the agent.
//!
//! **Invariant**: everything that the page knows about a mesh comes from the crate `shared`. Checking and rendering, and
//! reading YAML and manifests, are in workers.

#![allow(
    unreachable_pub,
    reason = "Leptos' macro writes the properties of a component as `pub`"
)]
#![allow(
    clippy::large_types_passed_by_value,
    reason = "a bundle of handles to signals is Copy, and closures own theirs"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "components own their properties"
)]

mod agent;
mod app;
mod browser;
mod components;
mod document;
mod form;
mod pages;
mod result;
mod review;
mod schema;
mod state;
mod text;
pub mod workers;

pub use app::start;
