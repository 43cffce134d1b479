//! Whether a request is one that Label Studio describes (its OpenAPI description: the core of 1.23).

use serde_json::Value;

use super::script::Asked;

/// Paths of ours that the description leaves out: what other editions have, and exports in the background.
const LEFT_OUT: [&str; 2] = ["/imports/", "/exports/"];

/// What is wrong with a request; empty: nothing.
pub fn faults(description: &Value, asked: &Asked) -> Vec<String> {
    if LEFT_OUT.iter().any(|part| asked.path.contains(part)) {
        return Vec::new();
    }
    let place = format!("{} {}", asked.method, asked.path);
    let mut faults = Vec::new();
    let paths = description["paths"].as_object().expect("paths");
    let Some((_, item)) = paths.iter().find(|(template, _)| fits(template, &asked.path)) else {
        return vec![format!("{place} is not described")];
    };
    let operation = &item[asked.method.as_str().to_lowercase()];
    if operation.is_null() {
        return vec![format!("{place}: no such method")];
    }
    for pair in asked.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        // The server's other name of `export_type`, which is the one that its own guide shows.
        let name = if name == "exportType" { "export_type" } else { name };
        let parameter = parameters.into_iter().find(|known| known["name"] == name && known["in"] == "query");
        match parameter.map(|parameter| &parameter["schema"]) {
            None => faults.push(format!("{place}: no parameter {name}")),
            Some(schema) => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
                check(description, schema, &value, &format!("{place}?{name}"), &mut faults);
            }
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if body.is_null() != asked.body.is_null() {
        faults.push(format!("{place}: a body that is not described, or none where one is"));
    } else if !body.is_null() {
        check(description, body, &asked.body, &place, &mut faults);
    }
    faults
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(expected, part)| expected.starts_with('{') || expected == part)
}

/// As much of JSON Schema as the description uses of it here.
fn check(description: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    if let Some(name) =
        schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"))
    {
        return check(description, &description["components"]["schemas"][name], value, place, faults);
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let is_of_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !is_of_type {
        faults.push(format!("{place}: {value} is no {}", schema["type"]));
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        faults.push(format!("{place}: {value} is none of {allowed:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        check(description, &schema["items"], item, &format!("{place}[]"), faults);
    }
    let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) else { return };
    for (name, field) in fields {
        match known.get(name) {
            Some(schema) => check(description, schema, field, &format!("{place}.{name}"), faults),
            None => faults.push(format!("{place}: no field {name}")),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        // A prediction inside of a task needs no task number: the description says so of predictions alone.
        if !fields.contains_key(required) && required != "task" {
            faults.push(format!("{place}: {required} is missing"));
        }
    }
}
