import type { TextsOf } from "./en";
import type { frameEn } from "./frame.en";

/** French texts of the frame around a project's steps, of its first steps and of the dashboard. */
export const frameFr: TextsOf<typeof frameEn> = {
  steps: {
    label: "Étapes de ce projet",
    beside: "À côté des étapes",
    footer: "Précédent et suivant",
    model: "Modèle",
    task: "Tâche",
    data: "Données",
    preview: "Aperçu",
    review: "Relecture",
    hardware: "Matériel",
    train: "Entraînement",
    export: "Export",
    results: "Résultats",
    chat: "Essais",
    states: { todo: "à faire", doing: "en cours", done: "fait", attention: "à regarder" },
    position: "Étape {{number}} sur {{total}}",
    all: "Toutes les étapes",
    back: "Retour : {{step}}",
    next: "Suite : {{step}}",
  },
};
