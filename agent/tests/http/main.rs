//! The agent's HTTP server: tables of attacks on the router, each with its exact response, and the program from start
//! to stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod load;
mod logins;
mod page;
mod program;
mod requests;
mod support;
