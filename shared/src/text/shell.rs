//! Quoting for commands that people run.

use std::borrow::Cow;

/// Quotes a name from outside, such as a context, as one word for a POSIX shell; most names need no quotes.
pub fn word(name: &str) -> Cow<'_, str> {
    // A zero byte cannot be quoted, but no usable name contains one.
    shlex::try_quote(name).unwrap_or_else(|_| "NAME".into())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::word;

    #[test]
    fn names_without_special_characters_are_not_quoted() {
        for name in [
            "west",
            "kind-kind",
            "admin@prod.example.org",
            "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
            "gke_project_europe-west1_prod",
        ] {
            assert_eq!(word(name), name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_every_name_as_it_is() {
        for name in [
            "",
            "two words",
            "$HOME",
            "`id`",
            "it's",
            "\"",
            "*",
            "~",
            "a&b",
            "a;b",
            "a\nb",
            "a\\b",
            "!x",
            "#x",
            "a|b",
            "(x)",
            "<x>",
            "{a,b}",
            "a=b",
            "[a]",
            "é",
            "\t",
        ] {
            let script = format!("printf %s {}", word(name));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name, "{script}");
        }
    }
}
