//! Models of Ollama's library (<https://ollama.com/library>) and the repositories that their files were made of: only such that
//! the engine can train.

/// Name, tags of one size (the first is the size itself), repository. The first line of a name with `latest` is what Ollama
/// takes when no tag is given.
const NAMES: &[(&str, &[&str], &str)] = &[
    ("codellama", &["7b", "latest"], "codellama/CodeLlama-7b-Instruct-hf"),
    ("codellama", &["13b"], "codellama/CodeLlama-13b-Instruct-hf"),
    ("deepseek-r1", &["1.5b"], "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"),
    ("deepseek-r1", &["7b"], "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"),
    ("deepseek-r1", &["8b", "latest"], "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"),
    ("deepseek-r1", &["14b"], "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"),
    ("deepseek-r1", &["32b"], "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
    ("gemma2", &["2b"], "google/gemma-2-2b-it"),
    ("gemma2", &["9b", "latest"], "google/gemma-2-9b-it"),
    ("gemma2", &["27b"], "google/gemma-2-27b-it"),
    ("gemma3", &["270m"], "google/gemma-3-270m-it"),
    ("gemma3", &["1b"], "google/gemma-3-1b-it"),
    ("llama2", &["7b", "latest"], "meta-llama/Llama-2-7b-chat-hf"),
    ("llama2", &["13b"], "meta-llama/Llama-2-13b-chat-hf"),
    ("llama3", &["8b", "latest"], "meta-llama/Meta-Llama-3-8B-Instruct"),
    ("llama3", &["70b"], "meta-llama/Meta-Llama-3-70B-Instruct"),
    ("llama3.1", &["8b", "latest"], "meta-llama/Llama-3.1-8B-Instruct"),
    ("llama3.1", &["70b"], "meta-llama/Llama-3.1-70B-Instruct"),
    ("llama3.2", &["1b"], "meta-llama/Llama-3.2-1B-Instruct"),
    ("llama3.2", &["3b", "latest"], "meta-llama/Llama-3.2-3B-Instruct"),
    ("llama3.3", &["70b", "latest"], "meta-llama/Llama-3.3-70B-Instruct"),
    ("mistral", &["7b", "latest"], "mistralai/Mistral-7B-Instruct-v0.3"),
    ("mistral-nemo", &["12b", "latest"], "mistralai/Mistral-Nemo-Instruct-2407"),
    ("phi3", &["3.8b", "mini", "latest"], "microsoft/Phi-3-mini-128k-instruct"),
    ("phi3", &["14b", "medium"], "microsoft/Phi-3-medium-128k-instruct"),
    ("phi3.5", &["3.8b", "latest"], "microsoft/Phi-3.5-mini-instruct"),
    ("phi4", &["14b", "latest"], "microsoft/phi-4"),
    ("phi4-mini", &["3.8b", "latest"], "microsoft/Phi-4-mini-instruct"),
    ("qwen2", &["0.5b"], "Qwen/Qwen2-0.5B-Instruct"),
    ("qwen2", &["1.5b"], "Qwen/Qwen2-1.5B-Instruct"),
    ("qwen2", &["7b", "latest"], "Qwen/Qwen2-7B-Instruct"),
    ("qwen2.5", &["0.5b"], "Qwen/Qwen2.5-0.5B-Instruct"),
    ("qwen2.5", &["1.5b"], "Qwen/Qwen2.5-1.5B-Instruct"),
    ("qwen2.5", &["3b"], "Qwen/Qwen2.5-3B-Instruct"),
    ("qwen2.5", &["7b", "latest"], "Qwen/Qwen2.5-7B-Instruct"),
    ("qwen2.5", &["14b"], "Qwen/Qwen2.5-14B-Instruct"),
    ("qwen2.5", &["32b"], "Qwen/Qwen2.5-32B-Instruct"),
    ("qwen2.5-coder", &["0.5b"], "Qwen/Qwen2.5-Coder-0.5B-Instruct"),
    ("qwen2.5-coder", &["1.5b"], "Qwen/Qwen2.5-Coder-1.5B-Instruct"),
    ("qwen2.5-coder", &["3b"], "Qwen/Qwen2.5-Coder-3B-Instruct"),
    ("qwen2.5-coder", &["7b", "latest"], "Qwen/Qwen2.5-Coder-7B-Instruct"),
    ("qwen2.5-coder", &["14b"], "Qwen/Qwen2.5-Coder-14B-Instruct"),
    ("qwen3", &["0.6b"], "Qwen/Qwen3-0.6B"),
    ("qwen3", &["1.7b"], "Qwen/Qwen3-1.7B"),
    ("qwen3", &["4b"], "Qwen/Qwen3-4B"),
    ("qwen3", &["8b", "latest"], "Qwen/Qwen3-8B"),
    ("qwen3", &["14b"], "Qwen/Qwen3-14B"),
    ("qwen3", &["32b"], "Qwen/Qwen3-32B"),
    ("smollm", &["135m"], "HuggingFaceTB/SmolLM-135M-Instruct"),
    ("smollm", &["360m"], "HuggingFaceTB/SmolLM-360M-Instruct"),
    ("smollm", &["1.7b", "latest"], "HuggingFaceTB/SmolLM-1.7B-Instruct"),
    ("smollm2", &["135m"], "HuggingFaceTB/SmolLM2-135M-Instruct"),
    ("smollm2", &["360m"], "HuggingFaceTB/SmolLM2-360M-Instruct"),
    ("smollm2", &["1.7b", "latest"], "HuggingFaceTB/SmolLM2-1.7B-Instruct"),
    ("tinyllama", &["1.1b", "latest"], "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
    ("zephyr", &["7b", "latest"], "HuggingFaceH4/zephyr-7b-beta"),
];

/// Words that follow a size in a tag and name the same weights, in another form.
const SAME_WEIGHTS: &[&str] = &["instruct", "it", "chat", "fp16", "bf16"];

/// The repository that Ollama's model was made of: `name`, `name:tag`, or `name:size-instruct-q4_K_M`.
pub fn base_of(model: &str) -> Option<&'static str> {
    let model = model.trim().to_ascii_lowercase();
    let (name, tag) = model.split_once(':').unwrap_or((&model, "latest"));
    let (size, rest) = tag.split_once('-').unwrap_or((tag, ""));
    // Another word (text, base, thinking, …) names other weights.
    let is_same = |word: &str| SAME_WEIGHTS.contains(&word) || word.starts_with('q');
    if !rest.is_empty() && !rest.split('-').all(is_same) {
        return None;
    }
    let found = NAMES.iter().find(|(known, tags, _)| *known == name && tags.contains(&size));
    found.map(|(_, _, repo)| *repo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::RepoId;

    #[test]
    fn names_lead_to_their_bases() {
        for (model, base) in [
            ("llama3.2:1b", Some("meta-llama/Llama-3.2-1B-Instruct")),
            ("llama3.2", Some("meta-llama/Llama-3.2-3B-Instruct")),
            ("LLAMA3.2:1b-instruct-q4_K_M", Some("meta-llama/Llama-3.2-1B-Instruct")),
            ("qwen2.5:0.5b", Some("Qwen/Qwen2.5-0.5B-Instruct")),
            ("smollm2:135m", Some("HuggingFaceTB/SmolLM2-135M-Instruct")),
            ("gemma3:270m", Some("google/gemma-3-270m-it")),
            ("phi3:mini", Some("microsoft/Phi-3-mini-128k-instruct")),
            ("mistral:7b", Some("mistralai/Mistral-7B-Instruct-v0.3")),
            // Larger ones see pictures, and the engine does not.
            ("gemma3", None),
            ("llama3.2:1b-text-q4_K_M", None),
            ("qwen3:4b-thinking", None),
            ("", None),
        ] {
            assert_eq!(base_of(model), base, "{model}");
        }
    }

    #[test]
    fn every_line_is_well_formed() {
        for (name, tags, repo) in NAMES {
            assert!(RepoId::parse(repo).is_some(), "{repo}");
            for tag in *tags {
                let lines =
                    NAMES.iter().filter(|(other, tags, _)| other == name && tags.contains(tag)).count();
                assert_eq!(lines, 1, "{name}:{tag} is there twice");
            }
        }
    }
}
