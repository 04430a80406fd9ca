//! Tests of the core from outside: one program, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod access;
mod addresses;
mod answers;
mod archives;
mod bookinfo;
mod callers;
mod checks;
mod cluster_dns;
mod cluster_dns_maps;
mod cluster_dns_servers;
mod cluster_domains;
mod commands;
mod egress_gateway;
mod engines;
mod examples;
mod explain;
mod external;
mod external_dns;
mod gateway_api;
mod handover;
mod ignore;
mod import;
mod istio;
mod locality;
mod mtls;
mod names;
mod oldest_istio;
mod origins;
mod overrides;
mod ownership;
mod ports;
mod references;
mod regional;
mod rendered;
mod rendering;
mod resolvable;
mod routes;
mod sidecars;
mod simulate;
mod support;
mod tls;
mod verify;
