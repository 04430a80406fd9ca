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

/// The only one whose rule is not in the core, whose own test runs all other examples.
#[test]
fn the_example_of_a_public_suffix_has_its_finding() {
    let dir = Workdir::new();
    let text = shared::explain::entry("FM0314").unwrap().text;
    for (verdict, is_found) in [("wrong", true), ("right", false)] {
        let example = text.split(&format!("```yaml {verdict}\n")).nth(1).unwrap();
        let suffix = example
            .lines()
            .find_map(|line| line.trim().strip_prefix("suffix: "))
            .unwrap();
        dir.write(
            "mesh.yaml",
            &shared::explain::BASE.replace("mesh.example.com", suffix),
        );
        let found = dir.run(&["check", "-f", "mesh.yaml"], 0).out;
        assert_eq!(found.contains("FM0314"), is_found, "{suffix}: {found}");
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
