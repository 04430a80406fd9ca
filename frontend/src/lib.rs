//! The page of fedmesh: a form for the Mesh document, with its manifests, names and findings as
//! one types, and the way to the agent.
//!
//! **Invariant**: what the page knows about a mesh, it knows from the crate `shared`; what it shows
//! is the document and what follows from it. What is not needed by every visit is in programs of
//! their own, loaded on demand: rendering, reading YAML, making documents of manifests
//! and packing archives in workers, and planning,
//! applying and verifying in the part `review`.

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
    reason = "there is one state of the page, not many"
)]

mod agent;
mod answers;
#[cfg(test)]
mod answers_tests;
mod api;
mod app;
mod browser;
mod callers;
mod components;
mod contexts;
mod counts;
mod document;
mod dom;
mod field;
#[cfg(test)]
mod field_tests;
mod highlight;
mod history;
pub mod json;
mod kept;
mod message;
mod outline;
mod pages;
pub mod reading;
mod renderer;
pub mod rendering;
mod review;
mod rows;
mod saved;
mod signals;
pub mod simulated;
mod state;
mod template;
mod texts;
pub mod worker;

pub use app::start;
pub use review::start as start_review;
