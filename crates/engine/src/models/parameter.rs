//! A tensor of the model, frozen or trained.

use crate::device::{AdamWStep, Buffer, Device, Weight};

/// One tensor under its checkpoint name.
pub struct Parameter {
    /// Hugging Face's key for base weights, PEFT's (without prefix) for adapters.
    pub name: String,
    /// Shape on disk: `[out, in]`, or `[size]` for vectors.
    pub shape: Vec<usize>,
    pub weight: Weight,
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
        Self { name, shape, weight, learning_rate_factor: 1.0, trained: None }
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
        let Some(trained) = &mut self.trained else { return };
        let weight_decay = if self.shape.len() > 1 { step.weight_decay } else { 0.0 };
        let learning_rate = step.learning_rate * self.learning_rate_factor;
        let step = AdamWStep { learning_rate, weight_decay, ..*step };
        let value = self.weight.values_mut().expect("trained tensors are kept in f32");
        device.adamw(&step, value, &trained.gradient, &mut trained.first_moment, &mut trained.second_moment);
        device.fill_zero(&mut trained.gradient);
    }
}
