//! What an API server answers: a status, and a body of any kind.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: (u8, &[u8])| {
    let (code, body) = answer;
    let codes = [200, 201, 404, 403, 409, 410, 422, 429, 500, 503];
    fedmesh_agent::fuzzing::answers(codes[usize::from(code) % codes.len()], body);
});
