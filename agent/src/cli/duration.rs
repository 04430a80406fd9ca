//! Durations on the command line.

use std::time::Duration;

/// Parses `500ms`, `5s`, `10m` or `1h`; a number alone is in seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "use a number with ms, s, m or h, such as 5s".to_owned())?;
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("unknown unit {unit:?}; use ms, s, m or h")),
    };
    let milliseconds = number.saturating_mul(factor);
    if milliseconds == 0 || milliseconds > 24 * 3_600_000 {
        return Err("out of range: use more than 0 and at most 24h".to_owned());
    }
    Ok(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_parsed_with_their_units() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5000),
            ("5", 5000),
            ("10m", 600_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text).unwrap().as_millis(), milliseconds, "{text}");
        }
        for wrong in [
            "",
            "s",
            "0s",
            "-5s",
            "5d",
            "1.5s",
            "25h",
            "99999999999999999999s",
        ] {
            duration(wrong).unwrap_err();
        }
    }
}
