//! Whether the model still can what it could before: its loss on short texts of everyday knowledge that no training here
//! is about.

use serde::{Deserialize, Serialize};

/// Up to this rise of the loss, nothing of note was lost.
///
/// The measure for both bounds is what a smaller model costs: on WikiText-103 the four sizes of GPT-2
/// (<https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf>, table 3) have
/// perplexities of 37.5, 26.4, 22.1 and 17.5, losses of 3.62, 3.27, 3.09 and 2.86: the next smaller model has a loss that is
/// 6 to 11 % higher. A rise of 5 % is less than the least of these steps, one of 15 % more than the largest.
pub const KEPT: f64 = 0.05;
/// Beyond this rise of the loss, much was lost.
pub const LOST: f64 = 0.15;

/// Paragraphs, one row each.
pub const TEXTS: [&str; 8] = [
    "Water boils when its vapour presses as hard as the air above it. At the sea that happens at about one hundred degrees; \
     on a high mountain the air is thinner, so water boils sooner, and potatoes take longer to become soft. A lid keeps the \
     heat in the pot. Salt is added for the taste: the few grams that a cook uses hardly change the temperature at all.",
    "Most trees in this part of the world lose their leaves in autumn. The days grow shorter, the nights colder, and the tree \
     draws back what it can still use before it lets the leaf fall. The green goes first, and the yellow and red that were \
     hidden below it can be seen for some weeks. In spring, new leaves open from the buds that were made the summer before.",
    "When the train arrived, the platform was almost empty. A woman with two suitcases looked at the clock, then at the \
     timetable, and asked the guard whether the bus to the harbour was still running. He shook his head. The last one had left \
     ten minutes ago, he said, but it was not far on foot: down the hill, past the church, and then along the river.",
    "To make bread you need flour, water, salt and yeast. Mix them in a bowl, knead the dough until it is smooth, and leave it \
     in a warm place for an hour. It should grow to twice its size. Shape it into a loaf, let it rest once more, and bake it \
     in a hot oven until the crust is brown and it sounds hollow when you knock on the bottom.",
    "L'eau couvre la plus grande partie de la Terre, mais presque toute cette eau est salée. Les rivières et les lacs n'en \
     contiennent qu'une petite part. La pluie qui tombe sur les montagnes descend vers la mer, le soleil réchauffe la mer, une \
     partie de l'eau monte dans l'air, forme des nuages, et tout recommence.",
    "Le marché ouvre tôt le samedi matin. On y trouve des légumes, du fromage, du pain et parfois des fleurs. Ma grand-mère \
     arrive toujours avant huit heures, parce que les meilleures tomates partent vite. Elle parle un moment avec chaque \
     marchand, compare les prix, puis rentre à la maison avec un panier trop lourd.",
    "Pour aller à la gare, prenez la deuxième rue à gauche, traversez le pont et continuez tout droit jusqu'à la place. La gare \
     se trouve juste derrière la mairie. À pied, il faut environ quinze minutes. S'il pleut, vous pouvez aussi attendre le bus \
     numéro trois, qui passe toutes les vingt minutes devant l'école.",
    "Un enfant apprend à marcher vers l'âge d'un an. Il tombe souvent, se relève et essaie encore. Personne ne lui explique \
     comment tenir l'équilibre ; il le découvre lui-même, pas à pas. Quelques mois plus tard il court dans le jardin, et ses \
     parents ont du mal à le suivre.",
];

/// Loss on [`TEXTS`] before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neutral {
    /// Of the base model: mean negative log-likelihood of a token, in nats.
    pub before_loss: f64,
    /// Of the tuned model.
    pub after_loss: f64,
    /// `after / before - 1`.
    pub change: f64,
    /// What that means.
    pub verdict: Verdict,
    /// Tokens that were measured.
    pub tokens: usize,
}

/// What became of the general ability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The base model did no better than guessing evenly among its tokens: there was nothing to lose.
    NoneBefore,
    /// The loss rose by at most [`KEPT`], or fell.
    Kept,
    /// It rose by at most [`LOST`].
    SlightlyLost,
    /// It rose by more.
    Lost,
}

impl Neutral {
    /// Of two losses and the number of tokens that the model chooses among; `None` where a loss is not a number.
    pub fn new(before_loss: f64, after_loss: f64, tokens: usize, vocab_size: usize) -> Option<Self> {
        let change = after_loss / before_loss - 1.0;
        let verdict = match change {
            change if !change.is_finite() => return None,
            _ if before_loss >= (vocab_size as f64).ln() => Verdict::NoneBefore,
            change if change <= KEPT => Verdict::Kept,
            change if change <= LOST => Verdict::SlightlyLost,
            _ => Verdict::Lost,
        };
        Some(Self { before_loss, after_loss, change, verdict, tokens })
    }
}

impl Verdict {
    /// A sentence for reports.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoneBefore => {
                "The base model does no better on these texts than guessing: it had no general ability that could be lost."
            }
            Self::Kept => {
                "The general ability was kept: the loss rose by at most 5 %, less than what the next smaller model would cost."
            }
            Self::SlightlyLost => {
                "The general ability was slightly lost: the loss rose by 5 to 15 %, about what the next smaller model would \
                 cost."
            }
            Self::Lost => {
                "The general ability was lost: the loss rose by more than 15 %. Fewer epochs, a lower learning rate or a lower \
                 rank keep more of it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_follows_the_rise_of_the_loss() {
        let rows = [
            (4.0, 3.0, Verdict::Kept),
            (4.0, 4.19, Verdict::Kept),
            (4.0, 4.21, Verdict::SlightlyLost),
            (2.0, 2.29, Verdict::SlightlyLost),
            (2.0, 2.31, Verdict::Lost),
            // ln 100 is 4.61.
            (4.7, 3.0, Verdict::NoneBefore),
            (4.7, 9.0, Verdict::NoneBefore),
        ];
        for (before, after, verdict) in rows {
            let neutral = Neutral::new(before, after, 10, 100).expect("numbers");
            assert_eq!(neutral.verdict, verdict, "{before} to {after}");
            assert!((neutral.before_loss * (1.0 + neutral.change) - after).abs() < 1e-12);
        }
        assert_eq!(Neutral::new(2.0, f64::NAN, 10, 100), None);
        assert_eq!(Neutral::new(0.0, 1.0, 10, 100), None);
    }
}
