//! The documents in `docs/` name every rule and every cause there is.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use shared::check::code;

#[expect(clippy::disallowed_methods, reason = "tests read files")]
fn document(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_rule_is_listed() {
    let text = document("findings.md");
    for code in code::ALL {
        let peers = code.peers.join(", ");
        assert!(
            text.contains(&format!("| {} | {} | {peers} |", code.id, code.title)),
            "{}",
            code.id
        );
    }
}

#[test]
fn every_cause_is_listed() {
    let text = document("verify.md");
    let source = include_str!("../src/verify/cause.rs");
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| {
            let code = line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1;
            code.strip_suffix("\",")
        })
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(text.contains(&format!("\n| `{code}` | ")), "{code}");
    }
}
