//! Numbers as API servers return them: `6.0` comes back as `6`, and a plan would show a change for ever.

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::IstioFields;

/// The largest whole number that a floating-point number can have without a gap to the next one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads an object with fields, or none.
pub(crate) fn fields<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IstioFields>, D::Error> {
    let mut fields = Option::<IstioFields>::deserialize(from)?;
    fields.iter_mut().for_each(normalize);
    Ok(fields)
}

/// Reads a list of them.
pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IstioFields>, D::Error> {
    let mut list = Vec::<IstioFields>::deserialize(from)?;
    list.iter_mut().for_each(normalize);
    Ok(list)
}

fn normalize(fields: &mut IstioFields) {
    fields.values_mut().for_each(value);
}

fn value(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *number = whole;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(self::value),
        Value::Object(fields) => normalize(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn whole(number: f64) -> Option<Number> {
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT;
    // Its text has no exponent.
    is_whole.then(|| format!("{number:.0}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn whole_numbers_have_no_point() {
        let text = r#"{"a": 6.0, "b": [-2.0, 1.5, {"c": 1e3, "d": 1e300, "e": 7}], "f": "6.0"}"#;
        let fields = super::fields(&mut serde_json::Deserializer::from_str(text)).unwrap();
        let seen = serde_json::to_string(&fields).unwrap();
        assert_eq!(
            seen,
            r#"{"a":6,"b":[-2,1.5,{"c":1000,"d":1e+300,"e":7}],"f":"6.0"}"#
        );
        assert_eq!(json!(super::fields(json!(null)).unwrap()), json!(null));
        let list = super::list(json!([{ "a": 0.0 }])).unwrap();
        assert_eq!(json!(list).to_string(), r#"[{"a":0}]"#);
    }
}
