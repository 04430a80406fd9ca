//! A kubeconfig.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fedmesh_agent::fuzzing::kubeconfig(text));
