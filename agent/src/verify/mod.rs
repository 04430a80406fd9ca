//! Proving by traffic that what was rendered works.

mod client;
mod curl;
mod dns;
mod http;
mod job;
mod stop;

pub use client::{ClientSelector, ClientSelectorError};
pub use stop::{Stop, Stopper};
