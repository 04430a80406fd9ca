//! The workers: programs that are loaded on demand, and the requests and responses of each.

pub mod calls;
pub mod changes;
pub mod reading;
pub mod rendering;
pub mod search;
pub mod simulated;
pub mod text;
pub(crate) mod worker;

pub(crate) use worker::Worker;
pub use worker::{response, serve};
