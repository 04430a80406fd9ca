//! `explain` has an entry for every finding and every cause.

use serde_json::Value;

use crate::workdir::Workdir;

#[test]
fn every_code_that_is_listed_is_explained() {
    let workdir = Workdir::new();
    let list = workdir.run(&["explain"], 0).out;
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(
        codes.contains(&"FM0101") && codes.contains(&"refused"),
        "{list}"
    );
    let all: Value = serde_json::from_str(&workdir.run(&["explain", "-o", "json"], 0).out).unwrap();
    let all = all.as_array().unwrap();
    let listed: Vec<&str> = all
        .iter()
        .map(|entry| entry["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, listed);
    for entry in all {
        assert!(entry["text"].as_str().unwrap().len() > 100, "{entry}");
    }
    for code in ["FM0421", "fm0421", "refused"] {
        let text = workdir.run(&["explain", code], 0).out;
        assert!(
            text.to_lowercase().starts_with(&code.to_lowercase()),
            "{text}"
        );
        assert!(!text.contains("```"), "{text}");
    }
}

#[test]
fn unknown_codes_are_wrong_usage() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["explain", "FM9999"], 2);
    assert!(
        ran.err.contains("unknown code `FM9999`")
            && ran.err.contains("hint: run `fedmesh-agent explain`"),
        "{}",
        ran.err
    );
    assert_eq!(ran.out, "");
}
