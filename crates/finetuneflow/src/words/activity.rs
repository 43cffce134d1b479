//! What jobs are at.

use super::worded;

worded! {
    /// What a job is doing, beside how far it is.
    pub enum Activity {
        Preparing {} "preparing" "preparing the data";
        Step { step: u64, total: u64 } "step" "step {step} of {total}";
        StepLoss { step: u64, total: u64, loss: f64 } "step_loss" "step {step} of {total}, loss {loss:.4}";
        Reading { name: String } "reading" "reading {name}";
        ReadingExamples {} "reading_examples" "reading the examples";
        ReadingLabelStudio { number: i64 } "reading_label_studio" "reading project {number} of Label Studio";
        Recognising { name: String } "recognising" "recognising {name}";
        MakingExamples { name: String } "making_examples" "making examples of {name}";
        Checking {} "checking" "checking";
        TryingChunk {} "trying_chunk" "trying a chunk";
        ChunksWritten { done: u64, aside: u64 } "chunks_written" "{done} chunks written, {aside} set aside";
        ExamplesPushed { pushed: u64, before: u64 } "examples_pushed" "{pushed} examples pushed, {before} there before";
        TakingOver {} "taking_over" "taking over verdicts and texts";
        ChoosingQuestions {} "choosing_questions" "choosing questions";
        BaseExamples {} "base_examples" "base model: examples";
        BaseHeldOut {} "base_held_out" "base model: held-out sections";
        BaseNeutral {} "base_neutral" "base model: neutral texts";
        BaseQuestion { number: usize, total: usize } "base_question" "base model: question {number} of {total}";
        TunedExamples {} "tuned_examples" "fine-tuned model: examples";
        TunedHeldOut {} "tuned_held_out" "fine-tuned model: held-out sections";
        TunedNeutral {} "tuned_neutral" "fine-tuned model: neutral texts";
        TunedQuestion { number: usize, total: usize } "tuned_question" "fine-tuned model: question {number} of {total}";
        Downloading { name: String } "downloading" "downloading {name}";
        Writing { name: String } "writing" "writing {name}";
        Comparing {} "comparing" "comparing with the trained model";
        Packing {} "packing" "packing";
        WritingModel {} "writing_model" "writing the model's file";
        Checksum {} "checksum" "computing its checksum";
        Sending { done: u64, total: u64 } "sending" "sending the weights, {done} of {total} MiB";
        OllamaMakes {} "ollama_makes" "Ollama makes the model";
        ComparingPrompts { done: u64, total: u64 } "comparing_prompts" "comparing prompts, {done} of {total}";
        ComparingAnswers { done: u64, total: u64 } "comparing_answers" "comparing answers, {done} of {total}";
        Done {} "done" "done";
    }
}
