//! A tensor of the model, frozen or trained.

use std::sync::Arc;

use crate::device::{AdamWStep, Buffer, Device, Weight};

/// One tensor under its checkpoint name.
pub struct Parameter {
    /// Hugging Face's key for base weights, PEFT's (without prefix) for adapters.
    pub name: String,
    /// Shape on disk: `[out, in]`, or `[size]` for vectors.
    pub shape: Vec<usize>,
    /// Decoders with different adapters on one base share its tensors.
    pub weight: Arc<Weight>,
    /// What the learning rate is multiplied with: 1 but for LoRA+.
    pub learning_rate_factor: f32,
    pub trained: Option<Trained>,
}

/// What training adds to a tensor: all f32, of the tensor's size.
pub struct Trained {
    pub gradient: Buffer,
    pub first_moment: Buffer,
    pub second_moment: Buffer,
}

impl Parameter {
    /// A frozen tensor.
    pub fn new(name: String, shape: Vec<usize>, weight: Weight) -> Self {
        Self { name, shape, weight: Arc::new(weight), learning_rate_factor: 1.0, trained: None }
    }

    /// The same tensor for another decoder, frozen. Its values are not copied, and nobody changes them while two have it.
    pub fn share(&self) -> Self {
        Self {
            name: self.name.clone(),
            shape: self.shape.clone(),
            weight: Arc::clone(&self.weight),
            learning_rate_factor: 1.0,
            trained: None,
        }
    }

    /// The values, to be written; `None` where they are not f32, or shared.
    pub fn values_mut(&mut self) -> Option<&mut Buffer> {
        Arc::get_mut(&mut self.weight)?.values_mut()
    }

    /// Gives the tensor a gradient and optimizer state. The weight must be f32.
    pub fn train(mut self, device: &dyn Device) -> Self {
        let len = self.weight.rows * self.weight.columns;
        self.trained = Some(Trained {
            gradient: device.zeros(len),
            first_moment: device.zeros(len),
            second_moment: device.zeros(len),
        });
        self
    }

    pub fn gradient_mut(&mut self) -> Option<&mut Buffer> {
        self.trained.as_mut().map(|trained| &mut trained.gradient)
    }

    /// Updates the tensor and clears its gradient. Vectors (norms) are not decayed.
    pub fn update(&mut self, device: &dyn Device, step: &AdamWStep) {
        let Self { weight, trained: Some(trained), .. } = self else { return };
        let weight_decay = if self.shape.len() > 1 { step.weight_decay } else { 0.0 };
        let learning_rate = step.learning_rate * self.learning_rate_factor;
        let step = AdamWStep { learning_rate, weight_decay, ..*step };
        let value = Arc::get_mut(weight).and_then(Weight::values_mut);
        let value = value.expect("trained tensors are kept in f32, by one decoder");
        device.adamw(&step, value, &trained.gradient, &mut trained.first_moment, &mut trained.second_moment);
        device.fill_zero(&mut trained.gradient);
    }
}
