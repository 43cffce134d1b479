/** English texts of the frame around a project's steps, of its first steps and of the dashboard. `frame.fr.ts` has the same keys. */
export const frameEn = {
  steps: {
    label: "Steps of this project",
    beside: "Beside the steps",
    footer: "Back and next",
    model: "Model",
    task: "Task",
    data: "Data",
    preview: "Preview",
    review: "Review",
    hardware: "Hardware",
    train: "Train",
    export: "Export",
    results: "Results",
    chat: "Playground",
    states: { todo: "to do", doing: "at work", done: "done", attention: "needs a look" },
    position: "Step {{number}} of {{total}}",
    all: "All steps",
    back: "Back: {{step}}",
    next: "Next: {{step}}",
  },
};
