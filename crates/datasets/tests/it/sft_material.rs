//! Real supervised, preference and multimodal sets.

use datasets::{ImportError, ImportOptions, Role, import_path};

#[test]
fn real_sets_are_recognised_and_counted() {
    let Some(root) = crate::testdata() else { return };
    let cases = [
        ("gsm8k/train_100.jsonl", "csv", 100),
        ("llamafactory/identity.json", "alpaca", 91),
        ("llamafactory/glaive_toolcall_20.json", "sharegpt", 20),
        ("torchtune/chat_tiny.json", "sharegpt", 1),
        ("torchtune/instruct_tiny.json", "csv", 2),
    ];
    for (file, format, rows) in cases {
        let import = import_path(&root.join("sft").join(file), &ImportOptions::default())
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (import.format.as_str(), import.rows, import.errors.len()),
            (format, rows, 0),
            "{file}: {:?}",
            import.errors.first()
        );
        assert_eq!(import.examples.len(), rows, "{file}");
        for example in &import.examples {
            assert!(example.messages.iter().any(|message| message.role == Role::Assistant));
        }
    }
    let tools =
        import_path(&root.join("sft/llamafactory/glaive_toolcall_20.json"), &ImportOptions::default())
            .unwrap();
    assert!(tools.examples.iter().any(|example| example.tools.is_some()));
    assert!(
        tools
            .examples
            .iter()
            .flat_map(|example| &example.messages)
            .any(|message| message.tool_calls.is_some())
    );
}

#[test]
fn preference_and_multimodal_sets_are_refused() {
    let Some(root) = crate::testdata() else { return };
    for file in ["llamafactory/v1_dpo_demo.jsonl", "torchtune/hh_rlhf_tiny.json"] {
        let error = import_path(&root.join("sft").join(file), &ImportOptions::default()).unwrap_err();
        assert!(matches!(error, ImportError::Preference { .. }), "{file}: {error}");
    }
    let error =
        import_path(&root.join("sft/torchtune/vqa_tiny.json"), &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::Multimodal { .. }), "{error}");
}
