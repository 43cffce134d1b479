import { useTranslation } from "react-i18next";
import type { Evaluation } from "../../shared/api/types";
import { useFormat } from "../../shared/lib/format";
import { Badge, type Tone } from "../../shared/ui/Badge";
import { WarnNote } from "../../shared/ui/States";

type Figures = Evaluation["base"];

/** What the loss says, for people: how much surer the model is of the right answers. */
export function inWords(base: Figures, adapter: Figures): "unknown" | "much" | "some" | "same" | "worse" {
  if (base.eval_loss == null || adapter.eval_loss == null) return "unknown";
  const gained = base.eval_loss - adapter.eval_loss;
  if (gained < -0.02) return "worse";
  if (gained < 0.05) return "same";
  return gained < 0.7 ? "some" : "much";
}

/** Before and after on the held-back examples, on held-out sections apart from them, and on neutral texts. */
export function AllFigures({ evaluation }: { evaluation: Evaluation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { base, adapter, examples, split, held_out: heldOut, general } = evaluation;
  const isTrained = split === "training";
  return (
    <div className="space-y-6">
      <p data-testid="in-words" className="max-w-prose">
        {inWords(base, adapter) === "unknown" ? t("results.plain.unknown") : t(`results.plain.${inWords(base, adapter)}`, {
          before: format.percent(base.token_accuracy ?? 0),
          after: format.percent(adapter.token_accuracy ?? 0),
        })}
      </p>
      <Sides
        title={isTrained ? t("results.trained") : t("results.recall")}
        text={isTrained ? null : t("results.heldBack", { count: examples })}
        name="perplexity"
        base={base}
        adapter={adapter}
      />
      {isTrained && <WarnNote>{t("results.training", { count: examples })}</WarnNote>}
      {heldOut && (
        <Sides
          title={t("results.heldOut")}
          text={t("results.heldOutHint", { count: heldOut.examples })}
          name="held-out-perplexity"
          base={heldOut.base}
          adapter={heldOut.adapter}
        />
      )}
      {general && <General general={general} />}
      <p className="text-xs text-soft">{t("results.measuredAt", { date: format.dateTime(evaluation.created_at) })}</p>
    </div>
  );
}

/** Both models on the same examples. */
function Sides(props: { title: string; text: string | null; name: string; base: Figures; adapter: Figures }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { base, adapter } = props;
  const perplexity = (value: number | null | undefined) => (value == null ? t("common.none") : format.number(value, value < 100 ? 2 : 0));
  const rows = [
    { label: t("results.loss"), before: base.eval_loss, after: adapter.eval_loss, show: (value: number) => format.fixed(value, 3) },
    {
      label: t("results.accuracy"),
      before: base.token_accuracy,
      after: adapter.token_accuracy,
      show: (value: number) => format.percent(value, 1),
    },
  ];
  return (
    <section>
      <h3 className="text-sm font-semibold">{props.title}</h3>
      {props.text && <p className="mt-0.5 text-sm text-soft">{props.text}</p>}
      <div className="mt-2 grid grid-cols-2 gap-3">
        <div className="rounded-lg bg-sunken p-4">
          <p className="text-sm text-soft">{t("results.before")}</p>
          <p data-testid={`${props.name}-before`} className="text-3xl font-semibold tabular-nums">
            {perplexity(base.perplexity)}
          </p>
        </div>
        <div className="rounded-lg bg-accent-soft p-4">
          <p className="text-sm text-accent-strong">{t("results.after")}</p>
          <p data-testid={`${props.name}-after`} className="text-3xl font-semibold text-accent-strong tabular-nums">
            {perplexity(adapter.perplexity)}
          </p>
        </div>
      </div>
      <table className="mt-2 w-full text-sm">
        <thead>
          <tr className="border-b border-line text-left text-xs text-soft">
            <td />
            <th scope="col" className="py-1.5 text-right font-medium">
              {t("results.before")}
            </th>
            <th scope="col" className="py-1.5 text-right font-medium">
              {t("results.after")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.label} className="border-b border-line last:border-0">
              <th scope="row" className="py-2 text-left font-normal">
                {row.label}
              </th>
              <td className="py-2 text-right tabular-nums">{row.before == null ? t("common.none") : row.show(row.before)}</td>
              <td className="py-2 text-right font-medium tabular-nums">{row.after == null ? t("common.none") : row.show(row.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const TONES = { none_before: "neutral", kept: "good", slightly_lost: "warn", lost: "bad" } satisfies Record<string, Tone>;

/** Whether the model still can what it could before. */
function General({ general }: { general: NonNullable<Evaluation["general"]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const change = format.percent(Math.abs(general.change), 1);
  const numbers = { before: format.fixed(general.base_loss, 3), after: format.fixed(general.adapter_loss, 3), change };
  return (
    <section data-testid="general" data-verdict={general.verdict}>
      <h3 className="flex flex-wrap items-center gap-2 text-sm font-semibold">
        {t("results.general")}
        <Badge tone={TONES[general.verdict]}>{t(`results.verdicts.${general.verdict}`)}</Badge>
      </h3>
      <p className="mt-1 max-w-prose text-sm">{t(`results.verdictTexts.${general.verdict}`)}</p>
      <p className="mt-1 max-w-prose text-xs text-soft">
        {t(general.change > 0 ? "results.generalRose" : "results.generalFell", numbers)} {t("results.generalHint", { count: general.tokens })}
      </p>
    </section>
  );
}
