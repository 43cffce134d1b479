import { useQuery } from "@tanstack/react-query";
import { CircleCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { asProblem, Problem } from "../../shared/api/problem";
import { useHardware, useSettings } from "../../shared/api/queries";
import type { Hardware, Health, Settings } from "../../shared/api/types";
import { chooseLanguage, LANGUAGES, type LanguageId } from "../../shared/i18n";
import { useFormat } from "../../shared/lib/format";
import { chooseTheme, type ThemeChoice, useTheme } from "../../shared/lib/theme";
import { Section } from "../../shared/ui/Card";
import { Field, Select } from "../../shared/ui/Field";
import { PageHeader } from "../../shared/ui/Page";
import { ProblemNote } from "../../shared/ui/ProblemNote";
import { Skeleton } from "../../shared/ui/States";
import { Connections } from "./Connections";
import { Hub } from "./Hub";
import { LabelStudio } from "./LabelStudio";
import { Storage } from "./Storage";

export function SettingsPage() {
  const { t } = useTranslation();
  const settings = useSettings();
  const hardware = useHardware();
  return (
    <>
      <PageHeader title={t("settings.title")} />
      <div className="space-y-5">
        <Appearance />
        <Connections />
        <Hub />
        <LabelStudio />
        <HealthSection />
        <Section title={t("settings.machine")}>
          {hardware.isPending && <Skeleton rows={1} />}
          {hardware.isError && <ProblemNote problem={hardware.error} onRetry={() => void hardware.refetch()} />}
          {hardware.data && <Machine hardware={hardware.data} />}
        </Section>
        <Storage />
        <Section title={t("settings.server")} text={t("settings.serverText")}>
          {settings.isPending && <Skeleton rows={3} />}
          {settings.isError && <ProblemNote problem={settings.error} onRetry={() => void settings.refetch()} />}
          {settings.data && <Server settings={settings.data} />}
        </Section>
      </div>
    </>
  );
}

function Appearance() {
  const { t, i18n } = useTranslation();
  const { choice } = useTheme();
  const themes: ThemeChoice[] = ["system", "light", "dark"];
  return (
    <Section title={t("settings.appearance")}>
      <div className="grid max-w-lg gap-4 sm:grid-cols-2">
        <Field label={t("settings.language")}>
          {(control) => (
            <Select {...control} value={i18n.language} onChange={(event) => chooseLanguage(event.target.value as LanguageId)}>
              {LANGUAGES.map((language) => (
                <option key={language.id} value={language.id} lang={language.id}>
                  {language.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t("settings.theme")}>
          {(control) => (
            <Select {...control} value={choice} onChange={(event) => chooseTheme(event.target.value as ThemeChoice)}>
              {themes.map((theme) => (
                <option key={theme} value={theme}>
                  {t(`settings.themes.${theme}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
    </Section>
  );
}

/** A degraded server answers 503 with the same shape: that is no error of the question. */
async function readHealth(signal: AbortSignal): Promise<Health> {
  let response: Response;
  try {
    response = await fetch("/api/health", { signal });
  } catch (thrown) {
    throw signal.aborted ? thrown : asProblem(thrown);
  }
  const body = (await response.json().catch(() => null)) as Health | null;
  if (!body || typeof body.database !== "string") throw new Problem({ code: "unexpected", message: `HTTP ${response.status}` });
  return body;
}

function HealthSection() {
  const { t } = useTranslation();
  const format = useFormat();
  const health = useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => readHealth(signal),
    refetchInterval: 10_000,
  });
  const isGood = health.data?.status === "ok";
  const part = (value: string) => (value === "connected" ? t("settings.connected") : <span className="text-bad">{value}</span>);
  return (
    <Section title={t("settings.health")}>
      {health.isPending && <Skeleton rows={1} />}
      {health.isError && <ProblemNote problem={health.error} onRetry={() => void health.refetch()} />}
      {health.data && !health.isError && (
        <>
          <p className={`mb-3 flex items-center gap-2 font-medium ${isGood ? "text-good" : "text-bad"}`}>
            {isGood ? <CircleCheck className="size-5" aria-hidden /> : <TriangleAlert className="size-5" aria-hidden />}
            {isGood ? t("settings.healthOk") : t("settings.healthBad")}
          </p>
          <Facts
            facts={[
              [t("settings.database"), part(health.data.database)],
              [t("settings.queue"), part(health.data.queue)],
              [t("settings.storage"), part(health.data.storage)],
            ]}
          />
          <p className="mt-3 text-xs text-soft">
            {t("settings.version", { version: health.data.version })} ·{" "}
            {t("settings.uptime", { time: format.duration(health.data.uptime_seconds) })}
          </p>
        </>
      )}
    </Section>
  );
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="grid gap-x-6 gap-y-2 text-sm sm:grid-cols-[auto_1fr]">
      {facts.map(([label, value]) => (
        <div key={label} className="contents">
          <dt className="text-soft">{label}</dt>
          <dd className="min-w-0 wrap-anywhere max-sm:mb-2">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Machine({ hardware }: { hardware: Hardware }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { device, memory, disk } = hardware;
  const space = (free: number | null | undefined, total: number | null | undefined) =>
    free == null || total == null
      ? t("settings.unknown")
      : t("settings.memoryFree", { free: format.bytes(free), total: format.bytes(total) });
  return (
    <Facts
      facts={[
        [t("settings.processor"), device.name ?? t("settings.unknown")],
        [t("settings.threads"), format.number(device.threads)],
        [t("settings.instructions"), device.isa],
        [t("settings.memory"), space(memory.available_bytes, memory.total_bytes)],
        [t("settings.disk"), space(disk.free_bytes, disk.total_bytes)],
      ]}
    />
  );
}

/** What the studio was started with: for those who run it, so folded. */
function Server({ settings }: { settings: Settings }) {
  const { t } = useTranslation();
  return (
    <details className="group">
      <summary className="w-fit rounded-md text-sm font-medium text-accent-strong">{t("storage.all", { count: settings.settings.length })}</summary>
      <ul className="mt-3 divide-y divide-line text-sm">
        {settings.settings.map((setting) => (
          <li key={setting.name} className="grid gap-x-6 gap-y-1 py-2.5 sm:grid-cols-[minmax(0,1fr)_minmax(0,16rem)]">
            <div className="min-w-0">
              <code className="text-xs break-all">{setting.environment}</code>
              <span lang="en" className="block text-xs text-soft">
                {setting.help}
              </span>
            </div>
            <p className="min-w-0">
              <span className="break-all">{setting.value === "" ? t("common.none") : (setting.value ?? t("settings.hidden"))}</span>
              <span className="ml-2 text-xs text-soft">({t(`settings.sources.${setting.source}`)})</span>
            </p>
          </li>
        ))}
      </ul>
    </details>
  );
}
