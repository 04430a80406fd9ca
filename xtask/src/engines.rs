//! A test that no code asks which engine a document has: what holds for an engine is in its own file, and all else
//! derives it from there, so that a new engine is one new file.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use proc_macro2::{TokenStream, TokenTree};
use shared::mesh::Target;

use crate::style::{files, outside_of_tests};
use crate::workspace;

/// The sources of all crates.
const SOURCES: [&str; 8] = [
    "agent/benches",
    "agent/src",
    "documents/src",
    "frontend/src",
    "shared/benches",
    "shared/src",
    "testbed/src",
    "xtask/src",
];
/// Those that name engines: the names in a document, and the engines themselves.
const OF_ENGINES: [&str; 2] = ["shared/src/mesh/target.rs", "shared/src/engine"];

/// The lines outside of tests that name a variant of `Target`.
fn named(source: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let tokens: TokenStream = source.parse().unwrap();
    find(outside_of_tests(tokens), &mut lines);
    lines.sort_unstable();
    lines
}

/// `Target::` with a variant, several of them in braces, or all.
fn find(tokens: TokenStream, lines: &mut Vec<usize>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            find(group.stream(), lines);
        }
    }
    for four in tokens.windows(4) {
        let [head, colon, colons, tail] = four else {
            continue;
        };
        let path = format!("{head}{colon}{colons}");
        let is_variant = match tail {
            TokenTree::Ident(name) => Target::all().any(|one| *name == format!("{one:?}")),
            TokenTree::Group(_) => true,
            TokenTree::Punct(mark) => mark.as_char() == '*',
            TokenTree::Literal(_) => false,
        };
        if path == "Target::" && is_variant {
            lines.push(head.span().start().line);
        }
    }
}

#[test]
fn only_engines_know_which_one_they_are() {
    let root = workspace::root().unwrap();
    let mut found = Vec::new();
    for folder in SOURCES {
        for file in files(&root.join(folder), "rs").unwrap() {
            let lines = named(&std::fs::read_to_string(&file).unwrap());
            let file = file.strip_prefix(&root).unwrap();
            if !OF_ENGINES.iter().any(|own| file.starts_with(own)) {
                found.extend(
                    lines
                        .iter()
                        .map(|line| format!("{}:{line}", file.display())),
                );
            }
        }
    }
    assert!(
        found.is_empty(),
        "these ask which engine a document has; add what they need to `Description` or `Engine` in `engine/`: \
         {found:#?}"
    );
}

#[test]
fn names_of_engines_are_found() {
    let source = r"
        use shared::mesh::Target::{Karmada, Ocm};
        fn f(target: Target) -> bool {
            let all = Target::all();
            match target {
                mesh::Target::Gitops => true,
                other => other == Target::default(),
            }
        }
        #[cfg(test)]
        mod tests { const ONE: Target = Target::Ocm; }
        fn g() { output(Target::Stream, Target::Direct); }
        use shared::mesh::Target::*;
    ";
    assert_eq!(named(source), [2, 6, 12, 13]);
}
