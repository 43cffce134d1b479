//! Ollama's folder, and the derivation of its template from a model's own.

use std::fs;
use std::path::PathBuf;

use engine::tokenizer::ChatTemplate;
use engine::weights::gguf::GgufFile;
use export::ollama::parts::{Bos, Derived, System, Tokens, derive};
use export::ollama::{Modelfile, Options, describe, go_template::go_template};
use export::{Control, PLAIN_TEMPLATE, Request};
use serde_json::{Value, json};

use crate::tiny;

const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const QWEN_2_5: &str = "{%- if messages[0].role == 'system' %}{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}{%- else %}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{%- endif %}{%- for m in messages %}{%- if m.role == 'user' or m.role == 'assistant' %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
const LLAMA_3: &str = "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";
const GEMMA: &str = "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}{% set role = 'model' if m.role == 'assistant' else m.role %}<start_of_turn>{{ role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";
const GEMMA_3: &str = "{{ bos_token }}{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\n\n' %}{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}{% set role = 'model' if m.role == 'assistant' else m.role %}<start_of_turn>{{ role }}\n{% if loop.first %}{{ first }}{% endif %}{{ m.content | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";
const PHI_3: &str = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}";
const MISTRAL: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% elif m.role == 'assistant' %}{{ m.content + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";
const MISTRAL_LAST: &str = "{{ bos_token }}{% set system = messages[0].content if messages[0].role == 'system' else '' %}{% for m in messages %}{% if m.role == 'user' %}[INST] {% if loop.last and system %}{{ system + '\n\n' }}{% endif %}{{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
const LLAMA_2: &str = "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0].content %}{% else %}{% set rest = messages %}{% set system = false %}{% endif %}{% for m in rest %}{% if loop.index0 == 0 and system %}{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m.content %}{% else %}{% set content = m.content %}{% endif %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + content + ' [/INST]' }}{% else %}{{ ' ' + content + ' ' + eos_token }}{% endif %}{% endfor %}";
const ZEPHYR: &str = "{% for m in messages %}\n{% if m.role == 'user' %}\n{{ '<|user|>\n' + m.content + eos_token }}\n{% elif m.role == 'system' %}\n{{ '<|system|>\n' + m.content + eos_token }}\n{% elif m.role == 'assistant' %}\n{{ '<|assistant|>\n' + m.content + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";
const BARE: &str = "{% for m in messages %}{% if m.role == 'user' %}{{ '### \"Question\" {{' + m.content + '}}\n' }}{% elif m.role == 'assistant' %}{{ '### Answer:\\\\ ' + m.content + '\n\n' }}{% else %}{{ m.content + '\n---\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Answer:\\\\ ' }}{% endif %}";
const DATED: &str = "{{ 'Today is ' + strftime_now('%d %b %Y') + '.\n' }}{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
const THOUGHTFUL: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] if m.role == 'assistant' else m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

fn tokens(adds_bos: bool) -> Tokens<'static> {
    Tokens { bos: "<s>", eos: "</s>", adds_bos }
}

fn derived(source: &str, adds_bos: bool) -> Result<Derived, String> {
    let template = ChatTemplate::from_source(source).expect("compiles");
    derive(&template, &tokens(adds_bos))
}

#[test]
fn the_families_templates_are_taken_apart_and_proven() {
    for (name, source, adds_bos, bos) in [
        ("chatml", CHATML, false, Bos::Template),
        ("qwen 2.5", QWEN_2_5, false, Bos::Template),
        ("llama 3", LLAMA_3, true, Bos::Tokenizer),
        ("llama 3 without", LLAMA_3, false, Bos::Template),
        ("gemma", GEMMA, true, Bos::Tokenizer),
        ("gemma 3", GEMMA_3, true, Bos::Tokenizer),
        ("phi 3", PHI_3, false, Bos::Template),
        ("mistral", MISTRAL, true, Bos::Tokenizer),
        ("mistral, system last", MISTRAL_LAST, true, Bos::Tokenizer),
        ("llama 2", LLAMA_2, true, Bos::Tokenizer),
        ("zephyr", ZEPHYR, true, Bos::Unwanted),
        ("bare", BARE, false, Bos::Template),
        ("dated", DATED, false, Bos::Template),
        ("thoughtful", THOUGHTFUL, false, Bos::Template),
        ("plain", PLAIN_TEMPLATE, false, Bos::Template),
    ] {
        let derived = derived(source, adds_bos).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(derived.bos, bos, "{name}");
        assert_eq!(derived.takes_no_system, ["gemma", "mistral"].contains(&name), "{name}");
        assert_eq!(derived.trims, name.starts_with("llama 3") || name.starts_with("gemma"), "{name}");
        assert_eq!(derived.is_dated, name == "dated", "{name}");
        assert_eq!(derived.drops_thoughts, name == "thoughtful", "{name}");
        assert_eq!(
            matches!(derived.parts.system, System::LastUser(_)),
            name == "mistral, system last",
            "{name}"
        );
        let go = go_template(&derived.parts);
        assert_eq!(go.contains("<s>"), name == "llama 3 without" || name == "llama 2", "{go}");
    }
}

#[test]
fn the_parts_say_what_they_are() {
    let qwen = derived(QWEN_2_5, false).expect("derived").parts;
    assert_eq!(
        qwen.opening,
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    );
    assert_eq!((&*qwen.user.before, &*qwen.user.after), ("<|im_start|>user\n", "<|im_end|>\n"));
    assert_eq!((&*qwen.assistant.after, &*qwen.generation), ("<|im_end|>\n", "<|im_start|>assistant\n"));
    let System::Opening(system) = qwen.system else { panic!("{:?}", qwen.system) };
    assert_eq!((&*system.before, &*system.after), ("<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n"));
}

#[test]
fn an_answer_that_has_begun_is_left_open_and_a_late_system_text_counts() {
    let parts = derived(CHATML, false).expect("derived").parts;
    let message = |role: &str, content: &str| json!({"role": role, "content": content});
    let begun = [message("user", "Hi"), message("assistant", "Well")];
    assert_eq!(parts.text(&begun), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell");
    let late = [message("user", "Hi"), message("system", "Briefly.")];
    assert_eq!(
        parts.text(&late),
        "<|im_start|>system\nBriefly.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn a_template_without_constant_parts_is_not_written() {
    for (what, source) in [
        ("upper case", "{% for m in messages %}{{ m.content | upper }}{% endfor %}"),
        ("repeats", "{% for m in messages %}{{ m.content + m.content }}\n{% endfor %}"),
        ("numbers", "{% for m in messages %}{{ loop.index }}: {{ m.content }}\n{% endfor %}"),
        ("the last question alone", "{{ messages[-1].content }}"),
        (
            "from three turns on",
            "{% for m in messages %}{{ m.content }}{% if loop.length > 4 %}!{% endif %}{% endfor %}",
        ),
        ("by length", "{% for m in messages %}{{ m.content }}{{ m.content | length > 60 }}{% endfor %}"),
        (
            "the system text last",
            "{% for m in messages if m.role != 'system' %}{{ m.content }}\n{% endfor %}{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}",
        ),
        (
            "bos sometimes",
            "{% if messages[0].role == 'system' %}{{ bos_token }}{% endif %}{% for m in messages %}{{ m.content }}\n{% endfor %}",
        ),
    ] {
        let refused = derived(source, true);
        assert!(refused.is_err(), "{what}: {refused:?}");
    }
}

fn exported(
    template: Option<&str>,
    change: impl Fn(&mut Value),
) -> (tempfile::TempDir, PathBuf, Vec<export::Note>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let file = model.join("tokenizer_config.json");
    let mut config: Value = fs::read_to_string(&file)
        .map_or_else(|_| json!({}), |text| serde_json::from_str(&text).expect("JSON"));
    fs::remove_file(model.join("chat_template.jinja")).ok();
    let entries = config.as_object_mut().expect("an object");
    entries.remove("chat_template");
    if let Some(template) = template {
        entries.insert("chat_template".into(), template.into());
    }
    change(&mut config);
    fs::write(&file, config.to_string()).expect("written");
    fs::write(model.join("LICENSE"), "Do what you like.\n").expect("written");
    let out = folder.path().join("out");
    let request = Request {
        model: &model,
        adapter: None,
        quantization: None,
        name: Some("Hand book"),
        provenance: None,
        out: &out,
    };
    let control = Control { cancel: &std::sync::atomic::AtomicBool::new(false), progress: &|_| {} };
    let options = Options { system: Some("Answer briefly.".into()), ..Options::default() };
    let written = export::ollama::export_with(&request, &options, &control).expect("exported");
    (folder, out, written.described.warnings)
}

#[test]
fn the_folder_holds_all_that_ollama_is_told() {
    let (_folder, out, warnings) = exported(Some(CHATML), |_| {});
    assert!(warnings.is_empty(), "{warnings:?}");
    let text = fs::read_to_string(out.join("Modelfile")).expect("there");
    for line in [
        "FROM ./model.gguf\n",
        "TEMPLATE \"\"\"{{ if .System }}<|im_start|>system\n",
        "SYSTEM \"\"\"Answer briefly.\"\"\"\n",
        "PARAMETER stop \"\"\"<|im_end|>\"\"\"\n",
        "PARAMETER num_ctx 64\n",
        "LICENSE \"\"\"Do what you like.\n\"\"\"\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert!(!text.contains("temperature"), "{text}");
    let readme = fs::read_to_string(out.join("README.md")).expect("there");
    assert!(readme.contains("ollama create hand-book -f Modelfile"), "{readme}");
    assert_eq!(fs::read_to_string(out.join("LICENSE")).expect("there"), "Do what you like.\n");
}

#[test]
fn a_model_without_a_template_gets_the_plain_one_and_a_warning() {
    let (_folder, out, warnings) = exported(None, |_| {});
    assert!(
        warnings
            .iter()
            .any(|warning| warning.code == "plain_template" && warning.message.contains("no chat template")),
        "{warnings:?}"
    );
    let text = fs::read_to_string(out.join("Modelfile")).expect("there");
    assert!(text.contains("TEMPLATE"), "{text}");
}

#[test]
fn a_template_that_cannot_be_written_is_left_to_the_gguf_file_with_a_warning() {
    let odd = "{% for m in messages %}{{ m.content | upper }}{% endfor %}";
    let (_folder, out, warnings) = exported(Some(odd), |_| {});
    assert!(warnings.iter().any(|warning| warning.message.contains("could not be written")), "{warnings:?}");
    let text = fs::read_to_string(out.join("Modelfile")).expect("there");
    assert!(!text.contains("TEMPLATE"), "{text}");
    let gguf = GgufFile::open(&out.join("model.gguf")).expect("opened");
    assert_eq!(gguf.get("tokenizer.chat_template").and_then(|value| value.as_str()), Some(odd));
}

#[test]
fn a_beginning_token_that_was_not_trained_is_not_added() {
    for (template, adds) in [(CHATML, false), (LLAMA_3, true)] {
        let (_folder, out, _) = exported(Some(template), |config| {
            config["add_bos_token"] = json!(true);
            config["bos_token"] = json!("<|im_end|>");
        });
        let gguf = GgufFile::open(&out.join("model.gguf")).expect("opened");
        let flag = gguf.get("tokenizer.ggml.add_bos_token").and_then(|value| value.as_bool());
        assert_eq!(flag, Some(adds), "{template}");
    }
}

#[test]
fn texts_for_people_are_part_of_the_description() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let described =
        describe(&model, &Options { temperature: Some(0.5), ..Options::default() }).expect("described");
    let Modelfile { temperature, num_ctx, .. } = described.modelfile;
    assert_eq!((temperature, num_ctx), (Some(0.5), 64));
    let asked = Options { system: Some("a \"\"\" b".into()), ..Options::default() };
    assert!(describe(&model, &asked).is_err());
}

/// Real templates, where they are at hand: how many are made of constant parts, and why others are not.
#[test]
fn real_templates_derive_or_say_why_not() {
    let Some(data) = std::env::var_os("FTF_TESTDATA").map(PathBuf::from) else {
        println!("FTF_TESTDATA is not set: real templates are left out");
        return;
    };
    let mut templates = Vec::new();
    let text = fs::read_to_string(data.join("templates/hf_jinja/chat_e2e.json")).expect("readable");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    for case in &cases {
        let take = |name: &str| case[name].as_str().unwrap_or_default().to_string();
        templates.push((take("name"), take("chat_template")));
    }
    for entry in fs::read_dir(data.join("templates/trl")).expect("listed").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "jinja") {
            let source = fs::read_to_string(entry.path()).expect("readable");
            templates.push((entry.file_name().to_string_lossy().into_owned(), source));
        }
    }
    let index = fs::read_to_string(data.join("templates/ollama/index.json")).expect("readable");
    for case in serde_json::from_str::<Vec<Value>>(&index).expect("JSON") {
        let take = |name: &str| case[name].as_str().unwrap_or_default().to_string();
        templates.push((format!("ollama {}", take("name")), take("template")));
    }
    templates.sort();
    let mut count = 0;
    for (name, source) in &templates {
        match derived(source, false) {
            Ok(_) => count += 1,
            Err(reason) => println!("not {name}: {reason}"),
        }
    }
    println!("{count} of {} templates derive", templates.len());
    let expected = [
        "qwen2_5.jinja",
        "qwen3.jinja",
        "gemma.jinja",
        "gemma3.jinja",
        "llama3.jinja",
        "llama3_2.jinja",
        "phi3.jinja",
    ];
    for name in expected {
        let source =
            templates.iter().find(|(found, _)| found == name).map(|(_, source)| source).expect("there");
        derived(source, false).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    }
}

/// A template that drops the system text, which stands in an answer of some conversations as well.
#[test]
fn conversations_that_the_template_shortens_are_not_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny::write_model(folder.path());
    let template = "{% for m in messages %}{% if m.role != 'system' %}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}\
        {% if add_generation_prompt %}assistant: {% endif %}";
    let path = model.join("tokenizer_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    config["chat_template"] = template.into();
    fs::write(&path, config.to_string()).expect("written");
    let checks = export::ollama::render_checks(&model).expect("rendered");
    assert!(!checks.is_empty());
    for check in checks {
        assert!(check.messages.iter().all(|message| message["role"] != "system"), "{:?}", check.messages);
    }
}
