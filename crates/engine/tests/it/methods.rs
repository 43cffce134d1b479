//! What must hold for the adapter methods: which layers carry adapters, what is recorded, what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::adapters::peft::{Adapter, AdapterConfig, AdapterTensor, TargetModules};
use engine::batching::{EncodedData, MicroBatch};
use engine::generation::score;
use engine::models::activations::Recompute;
use engine::models::load::Base;
use engine::models::{Adapters, Decoder, Dropout, Module, adapt};
use engine::trainer::options::RecomputeName;
use engine::trainer::{
    Method, RunLength, StepReport, TrainError, TrainEvent, TrainOptions, evaluate, evaluate_with, train,
};

use crate::families::{activations, gradients, relative_max};
use crate::planned::checked_plan;
use crate::training::{Bench, assert_close, figures, steps, write};

const RECOMPUTATION: [Recompute; 3] = [Recompute::None, Recompute::Light, Recompute::Full];

/// Three rows of unequal lengths, all supervised.
fn batch() -> MicroBatch {
    let mut batch = MicroBatch::default();
    for (row, len) in [21u32, 70, 5].into_iter().enumerate() {
        let ids: Vec<u32> = (0..len).map(|i| (13 * i + 29 * row as u32) % 400 + 3).collect();
        batch.push_row(row, &ids, ids.iter().map(|&id| id as i32));
    }
    batch
}

/// Moves each B, which starts at 0, in the layers that `moved` picks.
fn move_b(decoder: &mut Decoder, moved: impl Fn(&str) -> bool) {
    let device = Arc::clone(&decoder.device);
    for parameter in decoder.trained_mut().filter(|parameter| parameter.name.contains("lora_B")) {
        if moved(&parameter.name) {
            let values: Vec<f32> = (0..parameter.shape.iter().product())
                .map(|i: usize| ((i * 7919) % 101) as f32 / 500.0 - 0.1)
                .collect();
            device.write(&values, parameter.values_mut().unwrap());
        }
    }
}

/// The adapter on a decoder, of the layers that `of` picks.
fn adapter_of(decoder: &Decoder, config: &AdapterConfig, of: &[usize]) -> Adapter {
    let chosen = |name: &str| of.iter().any(|layer| name.starts_with(&format!("model.layers.{layer}.")));
    let tensor = |parameter: &engine::models::parameter::Parameter| AdapterTensor {
        shape: parameter.shape.clone(),
        values: decoder.device.download_weight(&parameter.weight),
    };
    let config = AdapterConfig { layers_to_transform: Some(of.to_vec()), ..config.clone() };
    let tensors = decoder.trained().filter(|p| chosen(&p.name)).map(|p| (p.name.clone(), tensor(p)));
    Adapter { config, tensors: tensors.collect() }
}

#[test]
fn several_adapters_share_one_base() {
    let bench = Bench::with_layers(3);
    let ids: Vec<u32> = (3..40).collect();
    let logits = |decoder: &Decoder| score(decoder, &ids).unwrap().0;
    let config =
        |dora| AdapterConfig { use_dora: dora, ..AdapterConfig::new(4, 8.0, TargetModules::AllLinear) };
    let adapter = |dora, seed| {
        let mut decoder = bench.decoder(Base::Frozen);
        let modules = decoder.spec.modules();
        adapt::new_adapter(&mut decoder, &config(dora), modules, seed);
        move_b(&mut decoder, |_| true);
        decoder.refresh_norms();
        (adapter_of(&decoder, &config(dora), &[0, 1, 2]), logits(&decoder))
    };
    let base = bench.decoder(Base::Frozen);
    let bare = logits(&base);
    let alone = [(false, 1), (false, 2), (true, 3)].map(|(dora, seed)| adapter(dora, seed));
    let shared = alone.each_ref().map(|(adapter, _)| {
        let mut decoder = base.share_base();
        adapt::attach_adapter(&mut decoder, adapter, false).unwrap();
        decoder
    });
    for (decoder, (_, expected)) in shared.iter().zip(&alone) {
        assert!(logits(decoder) == *expected, "as on a base of its own");
        assert!(*expected != bare);
    }
    assert!(logits(&base) == bare, "the base stays bare");
    for decoder in &shared {
        let copies = decoder.parameters().filter(|p| !p.name.contains("lora"));
        assert!(base.parameters().zip(copies).all(|(one, other)| Arc::ptr_eq(&one.weight, &other.weight)));
    }
    // What two decoders have, nobody writes.
    let mut base = base;
    adapt::new_adapter(&mut base, &config(false), &[Module::Query], 1);
    assert!(base.trained_mut().all(|parameter| parameter.values_mut().is_some()));
    assert!(base.share_base().embedding.values_mut().is_none());
}

#[test]
fn the_backward_pass_ends_where_adapters_do_and_gives_the_same_gradients() {
    let bench = Bench::with_layers(5);
    let config = AdapterConfig { use_dora: true, ..AdapterConfig::new(4, 8.0, TargetModules::AllLinear) };
    for of in [vec![0], vec![1, 3], vec![2, 4], vec![4]] {
        let chosen = |name: &str| of.iter().any(|layer| name.starts_with(&format!("model.layers.{layer}.")));
        for recompute in RECOMPUTATION {
            // Adapters everywhere, but those outside the chosen layers are 0 and change nothing.
            let mut all = bench.decoder(Base::Frozen);
            let modules = all.spec.modules();
            adapt::new_adapter(&mut all, &config, modules, 1);
            move_b(&mut all, chosen);
            all.refresh_norms();
            let mut some = bench.decoder(Base::Frozen);
            adapt::attach_adapter(&mut some, &adapter_of(&all, &config, &of), true).unwrap();
            let (loss, mut want) = gradients(&mut all, &[batch()], recompute);
            want.retain(|name, _| chosen(name));
            let (found_loss, found) = gradients(&mut some, &[batch()], recompute);
            assert_eq!(found_loss, loss, "{of:?}, {recompute:?}");
            assert!(found == want, "{of:?}, {recompute:?}");

            let shape = some.activation_shape(64, recompute, true);
            assert_eq!((shape.adapters.layers, shape.adapters.frozen_layers), (of.len(), of[0]));
            let bytes = |decoder: &Decoder| checked_plan(decoder, recompute, &format!("{of:?}")).activations;
            assert!(of[0] < 2 || bytes(&some) < bytes(&all), "{of:?}, {recompute:?}");
        }
    }
}

#[test]
fn what_is_chosen_is_recorded_and_taken_over() {
    let bench = Bench::new();
    let chosen = TrainOptions {
        use_rslora: true,
        layers: "last:1".parse().unwrap(),
        target_modules: vec!["q_proj".into(), "down_proj".into()],
        ..bench.options("first")
    };
    steps(&chosen);
    let adapter = Adapter::read(&bench.path("first")).unwrap();
    let config = &adapter.config;
    assert_eq!((config.use_rslora, config.layers_to_transform.as_deref()), (true, Some(&[1][..])));
    assert_eq!(config.scale_of("any"), 32.0 / 4.0);
    let modules: Vec<&str> = adapter.modules().into_iter().collect();
    assert_eq!(modules, ["model.layers.1.mlp.down_proj", "model.layers.1.self_attn.q_proj"]);
    let plain = TrainOptions { init_adapter: Some(bench.path("first")), ..bench.options("second") };
    steps(&plain);
    assert_eq!(Adapter::read(&bench.path("second")).unwrap().config, adapter.config);
    let options: TrainOptions =
        serde_json::from_slice(&fs::read(bench.path("first/training_config.json")).unwrap()).unwrap();
    assert_eq!(options, chosen);
}

#[test]
fn a_resumed_run_must_agree_in_the_method() {
    let bench = Bench::new();
    let options = TrainOptions { length: RunLength::Steps(3), checkpoint_steps: 1, ..bench.options("run") };
    stop_after(&options, 1);
    let resumed = TrainOptions { resume: true, ..options.clone() };
    let other = [
        ("use_rslora", TrainOptions { use_rslora: true, ..resumed.clone() }),
        ("layers", TrainOptions { layers: "0-1".parse().unwrap(), ..resumed.clone() }),
        ("lora_plus_ratio", TrainOptions { lora_plus_ratio: 2.0, ..resumed.clone() }),
        ("dropout", TrainOptions { dropout: 0.1, ..resumed.clone() }),
    ];
    for (field, other) in &other {
        assert!(refused(other).contains(field), "{field}: {}", refused(other));
    }
    // A checkpoint without these settings was made with their defaults.
    let path = bench.path("run/checkpoints/step-00000001/state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (field, _) in &other {
        state["fingerprint"].as_object_mut().unwrap().remove(*field).unwrap();
    }
    fs::write(&path, state.to_string()).unwrap();
    other.iter().for_each(|(field, other)| assert!(refused(other).contains(field), "{field}"));
    assert_eq!(steps(&resumed).len(), 2);
}

fn refused(options: &TrainOptions) -> String {
    train(options, &AtomicBool::new(false), &mut |_| {}).unwrap_err().to_string()
}

/// Runs and cancels after a step.
fn stop_after(options: &TrainOptions, last: u64) {
    let cancel = AtomicBool::new(false);
    train(options, &cancel, &mut |event| {
        if matches!(event, TrainEvent::Step(StepReport { step, .. }) if step == last) {
            cancel.store(true, Ordering::Relaxed);
        }
    })
    .unwrap_err();
}

#[test]
fn impossible_choices_are_named() {
    let bench = Bench::new();
    let targets = |name: &str| vec![name.to_owned()];
    let rows = [
        (TrainOptions { target_modules: targets("lm_head"), ..bench.options("a") }, "one table"),
        (TrainOptions { target_modules: targets("embed_tokens"), ..bench.options("b") }, "one table"),
        (TrainOptions { target_modules: targets("c_attn"), ..bench.options("c") }, "does not exist"),
        (TrainOptions { layers: "1-2".parse().unwrap(), ..bench.options("d") }, "layers 0 to 1"),
        (TrainOptions { layers: "last:3".parse().unwrap(), ..bench.options("e") }, "layers 0 to 1"),
        (TrainOptions { lora_plus_ratio: 0.0, ..bench.options("f") }, "lora_plus_ratio"),
        (TrainOptions { lora_plus_ratio: f64::NAN, ..bench.options("g") }, "lora_plus_ratio"),
        (TrainOptions { dropout: 1.0, ..bench.options("i") }, "dropout"),
        (TrainOptions { dropout: -0.1, ..bench.options("j") }, "dropout"),
        (
            TrainOptions {
                method: Method::Full,
                init_adapter: Some(bench.path("nowhere")),
                ..bench.options("h")
            },
            "init_adapter",
        ),
    ];
    for (options, want) in rows {
        let message = refused(&options);
        assert!(message.contains(want), "{want}: {message}");
    }
    let tensor =
        |shape: [usize; 2]| AdapterTensor { shape: shape.to_vec(), values: vec![0.0; shape[0] * shape[1]] };
    let tensors = BTreeMap::from([
        ("lm_head.lora_A.weight".to_owned(), tensor([4, 48])),
        ("lm_head.lora_B.weight".to_owned(), tensor([4096, 4])),
    ]);
    let config = AdapterConfig::new(4, 8.0, TargetModules::Names(targets("lm_head")));
    let error = adapt::attach_adapter(&mut bench.decoder(Base::Frozen), &Adapter { config, tensors }, true);
    assert!(error.unwrap_err().to_string().contains("output head"));
}

/// DoRA with dropout: everything that the methods bring at once.
fn dora(bench: &Bench, run: &str) -> TrainOptions {
    TrainOptions { method: Method::Dora, dropout: 0.2, use_rslora: true, rank: 4, ..bench.options(run) }
}

#[test]
fn accumulation_is_one_batch_with_dropout_too() {
    let bench = Bench::new();
    let four = TrainOptions { micro_batch_size: 1, gradient_accumulation_steps: 4, ..dora(&bench, "four") };
    assert_close(&steps(&dora(&bench, "one")), &steps(&four), "4×1 and 1×4");
}

#[test]
fn recomputation_and_threads_change_no_bit_of_dora_and_dropout() {
    let bench = Bench::new();
    let run = |name: &str, recompute, threads| {
        figures(&steps(&TrainOptions { recompute, threads, ..dora(&bench, name) }))
    };
    let want = run("none", RecomputeName::None, 2);
    assert_eq!(run("light", RecomputeName::Light, 2), want, "light recomputation");
    assert_eq!(run("full", RecomputeName::Full, 2), want, "full recomputation");
    assert_eq!(run("one-thread", RecomputeName::Light, 1), want, "one thread");
    let plain = |run: &str| TrainOptions { dropout: 0.0, ..dora(&bench, run) };
    assert_ne!(figures(&steps(&plain("plain"))), want, "dropout does something");
    assert_ne!(figures(&steps(&TrainOptions { seed: 43, ..dora(&bench, "seed") })), want, "the seed counts");
}

#[test]
fn a_resumed_run_with_dora_and_dropout_is_an_undisturbed_one() {
    let bench = Bench::new();
    let options = |run: &str| TrainOptions { checkpoint_steps: 1, ..dora(&bench, run) };
    let undisturbed = steps(&options("undisturbed"));
    stop_after(&options("stopped"), 2);
    let resumed = steps(&TrainOptions { resume: true, ..options("stopped") });
    assert_eq!(figures(&resumed), figures(&undisturbed[2..]));
    let adapter = |run: &str| Adapter::read(&bench.path(run)).unwrap();
    assert_eq!(adapter("stopped"), adapter("undisturbed"));
    assert_eq!((adapter("stopped").config.use_dora, adapter("stopped").config.lora_dropout), (true, 0.2));
    // What an adapter of ours says is taken over from it, whatever the options are.
    let further = TrainOptions { init_adapter: Some(bench.path("stopped")), ..bench.options("further") };
    let plain = TrainOptions { dropout: 0.0, method: Method::Lora, ..further.clone() };
    assert_eq!(
        figures(&steps(&plain)),
        figures(&steps(&TrainOptions { method: Method::Dora, output: bench.path("again"), ..further }))
    );
    assert_eq!(adapter("further").config, adapter("stopped").config);
}

#[test]
fn a_new_dora_adapter_is_the_base() {
    let bench = Bench::new();
    let ids: Vec<u32> = (5..60).collect();
    let (plain, _) = score(&bench.decoder(Base::Frozen), &ids).unwrap();
    let mut adapted = bench.decoder(Base::Frozen);
    adapt::new_adapter(&mut adapted, &dora_config(), &Module::ALL[..7], 1);
    let (found, _) = score(&adapted, &ids).unwrap();
    // A product that is made apart and then added is rounded once more than one that is added up in place.
    let error = relative_max(&found, &plain);
    assert!(error < 1e-5, "{error}");
}

fn dora_config() -> AdapterConfig {
    AdapterConfig { use_dora: true, ..AdapterConfig::new(4, 8.0, TargetModules::AllLinear) }
}

#[test]
fn gradients_of_dora_and_dropout_agree_with_finite_differences() {
    let bench = Bench::new();
    let batch = batch();
    for use_dora in [false, true] {
        let mut decoder = bench.decoder(Base::Frozen);
        let config = AdapterConfig { use_dora, ..dora_config() };
        adapt::new_adapter(&mut decoder, &config, &Module::ALL[..7], 1);
        move_b(&mut decoder, |_| true);
        decoder.refresh_norms();
        decoder.dropout = Some(Dropout { probability: 0.3, key: 5, first_token: 0 });
        let (_, found) = gradients(&mut decoder, std::slice::from_ref(&batch), Recompute::Light);
        let mut work = activations(&decoder, batch.tokens(), Recompute::Light, true);
        let on_device = decoder.device.upload_batch(&batch);
        let names: Vec<String> = decoder.trained().map(|parameter| parameter.name.clone()).collect();
        for (index, name) in names.iter().enumerate() {
            let gradient = &found[name];
            let values = decoder.device.download_weight(&decoder.trained().nth(index).unwrap().weight);
            // Along the gradient itself the change is largest against rounding.
            let squares: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
            let step = (0.02 / squares.sqrt()) as f32;
            let mut at = |sign: f32| {
                let moved: Vec<f32> = values.iter().zip(gradient).map(|(w, g)| w + sign * step * g).collect();
                write(&mut decoder, index, &moved);
                // The norms of A and B are constants in the gradient; a magnitude leaves them as they are.
                if name.contains("magnitude") {
                    decoder.refresh_norms();
                }
                let loss = decoder.forward_backward(&on_device, &mut work, 0.0);
                loss.sum / loss.tokens as f64
            };
            let measured = (at(1.0) - at(-1.0)) / (2.0 * f64::from(step));
            at(0.0);
            assert!(
                (measured - squares).abs() < 0.02 * squares + 1e-6,
                "{name}: {measured} measured, {squares} computed"
            );
        }
    }
}

#[test]
fn evaluation_knows_no_dropout() {
    let bench = Bench::new();
    let mut decoder = bench.decoder(Base::Frozen);
    adapt::new_adapter(&mut decoder, &dora_config(), &Module::ALL[..7], 1);
    move_b(&mut decoder, |_| true);
    decoder.refresh_norms();
    let loss = |decoder: &mut Decoder, dropout| {
        decoder.dropout = dropout;
        let batch = decoder.device.upload_batch(&batch());
        let mut work = activations(decoder, batch.tokens(), Recompute::Light, true);
        [decoder.evaluate(&batch, &mut work), decoder.forward_backward(&batch, &mut work, 0.0)]
    };
    let dropout = Dropout { probability: 0.3, key: 5, first_token: 0 };
    let [evaluated, training] = loss(&mut decoder, Some(dropout));
    let plain = loss(&mut decoder, None);
    assert_eq!([evaluated, evaluated], plain);
    assert_ne!(training, evaluated);
    // Of another step.
    assert_ne!(loss(&mut decoder, Some(Dropout { key: 6, ..dropout }))[1], training);
}

#[test]
fn with_the_adapter_off_the_base_is_measured_to_the_last_bit() {
    let bench = Bench::new();
    let mut data = EncodedData::default();
    for length in [5, 40, 12, 90] {
        let ids: Vec<u32> = (0..length).map(|i| (i * 7 + length) % 40).collect();
        let labels: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        data.push(&ids, &labels);
    }
    let measured = |decoder: &Decoder, adapters| {
        let mut rows = 0;
        let cancel = AtomicBool::new(false);
        let evaluation = evaluate_with(decoder, &data, adapters, &cancel, &mut |part| rows += part).unwrap();
        assert_eq!(rows, data.len());
        evaluation
    };
    let base = measured(&bench.decoder(Base::Frozen), Adapters::On);
    assert_eq!(base.supervised_tokens, 5 + 40 + 12 + 90 - 4);
    for config in [dora_config(), AdapterConfig { use_dora: false, ..dora_config() }] {
        let mut decoder = bench.decoder(Base::Frozen);
        adapt::new_adapter(&mut decoder, &config, &Module::ALL[..7], 1);
        move_b(&mut decoder, |_| true);
        decoder.refresh_norms();
        assert_eq!(measured(&decoder, Adapters::Off), base);
        assert_ne!(measured(&decoder, Adapters::On).eval_loss, base.eval_loss);
        assert_eq!(
            evaluate(&decoder, &data, &AtomicBool::new(false)).unwrap(),
            measured(&decoder, Adapters::On)
        );
        let cancelled = evaluate_with(&decoder, &data, Adapters::Off, &AtomicBool::new(true), &mut |_| {});
        assert!(matches!(cancelled, Err(TrainError::Cancelled { .. })), "{cancelled:?}");
    }
}
