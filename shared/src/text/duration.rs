//! Durations in the syntax of Go and Istio.

/// A duration in milliseconds; `None` if Istio rejects `text`: decimal numbers, each with a unit, the greater units
/// first (Go's `time.ParseDuration`, without signs and without units below a millisecond).
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, mut after) = rest.split_at(digits(rest));
        let mut fraction = "";
        if let Some(behind) = after.strip_prefix('.') {
            (fraction, after) = behind.split_at(digits(behind));
            if fraction.is_empty() || fraction.len() > 9 {
                return None;
            }
        }
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, after) = after.split_at(letters);
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let unit = units[place].1;
        total = total.saturating_add(u64::from(number.parse::<u32>().ok()?) * unit);
        if !fraction.is_empty() {
            let whole = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
            let part = fraction.parse::<u64>().ok()? * unit;
            if !part.is_multiple_of(whole) {
                return None;
            }
            total += part / whole;
        }
        units = &units[place + 1..];
        rest = after;
    }
    Some(total)
}

/// Whether Istio parses `text` as a duration: at least one millisecond.
pub(crate) fn is_duration(text: &str) -> bool {
    milliseconds(text).is_some_and(|time| time > 0)
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations_are_parsed_as_in_go() {
        for good in [
            "1ms",
            "500ms",
            "2s",
            "1m30s",
            "1h1m1s1ms",
            "90s",
            "0s1ms",
            "0.5s",
            "1.25m",
        ] {
            assert!(is_duration(good), "{good}");
        }
        for bad in [
            "",
            "0s",
            "2",
            "s",
            "2 s",
            "-1s",
            "1.s",
            ".5s",
            "0.5ms",
            "0.0005s",
            "1.0001s",
            "1s1m",
            "1s1s",
            "2S",
            "2sec",
            "99999999999s",
            "1µs",
            "²s",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
