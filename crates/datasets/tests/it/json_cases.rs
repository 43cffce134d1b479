//! The recorded behaviour of jsonrepair: every case on which two libraries agree must give the same value, and nine in
//! ten of those on which they do not (by tier: may be repaired, may be refused).

use std::collections::BTreeMap;

use serde_json::Value;

/// Numbers are equal where their values are: 2 and 2.0.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn values_on_which_two_libraries_agree() {
    let Some(root) = crate::testdata() else { return };
    let text = std::fs::read_to_string(root.join("json_repair/jsonrepair_js_cases.json"))
        .expect("the cases are there");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let mut tiers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        if case.get("not_json").is_some() || case.get("options").is_some() {
            continue;
        }
        let input = case["input"].as_str().expect("an input");
        let outcome = datasets::json_repair::parse(input);
        let refused = case.get("error").is_some() || case.get("expect_error").is_some();
        let accepted =
            std::iter::once(&case["expected_value"]).chain(case["accept"].as_array().into_iter().flatten());
        let good = match &outcome {
            Ok(value) => !refused && accepted.into_iter().any(|wanted| same(wanted, value)),
            Err(_) => refused,
        };
        let tier = case["tier"].as_str().unwrap_or("must");
        let count = tiers.entry(tier).or_default();
        count.0 += usize::from(good);
        count.1 += 1;
        if !good {
            eprintln!("{tier} {input:?}: got {outcome:?}, wanted {}", case["expected_value"]);
        }
    }
    eprintln!("{tiers:?}");
    let (right, total) = tiers["must"];
    assert_eq!(right, total);
    for (tier, (right, total)) in &tiers {
        assert!(right * 10 >= total * 9, "{tier}: {right}/{total}");
    }
}
