//! Kubernetes objects: kinds, whose an object is, fields left to other managers, differences.

pub mod diff;
pub mod ignore;
pub mod object;
pub mod ownership;
pub mod pointer;
