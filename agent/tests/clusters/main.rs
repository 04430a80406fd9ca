//! Plans and applies against real API servers.
//!
//! Tests share a bed where they can; each has its own mesh, namespace and DNS suffix there. Those that stop a
//! server or change what all meshes share take turns on a second one. Names differ wherever a mix-up could hide:
//! clusters from contexts, services from host names.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod accepted;
#[path = "../browser/agent_process.rs"]
mod agent_process;
mod applying;
mod changes;
mod cluster_dns;
mod cluster_dns_servers;
mod commands;
mod drilling;
mod federation;
mod fixture;
mod following;
mod former;
mod gateway_selectors;
mod guards;
mod interrupted;
mod kubeconfigs;
mod kubefed;
mod last_known;
mod named;
mod obstacles;
mod ownership;
mod pods;
mod questions;
mod resolving;
mod restricted;
mod rights;
mod saved;
mod settling;
mod sidecars;
mod verifying;
mod world;
mod writers;
