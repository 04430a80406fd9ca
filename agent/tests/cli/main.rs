//! End-to-end tests of the command line: each runs the program in a temporary folder, without clusters.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod explain;
mod import;
mod login;
mod printing;
mod programs;
mod read;
mod render;
mod saved_plan;
mod schema;
mod secrets;
mod servers;
mod usage;
mod verify;
mod workdir;
