import { useTranslation } from "react-i18next";

const made = new Map<string, Intl.NumberFormat>();

/** Made once: making one takes a hundred times as long as writing a number with it, and a list writes hundreds. */
function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  const format = made.get(key) ?? new Intl.NumberFormat(language, options);
  made.set(key, format);
  return format;
}

/** Numbers, sizes, times and dates as people of a language write them. */
export function formatters(language: string) {
  const number = (value: number, digits = 0) =>
    numberFormat(language, { maximumFractionDigits: digits }).format(value);
  /** Large numbers in short: 135M, 1.2B. */
  const compact = (value: number) =>
    numberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
  const fixed = (value: number, digits: number) =>
    numberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  const percent = (share: number, digits = 0) =>
    numberFormat(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(share);
  const bytes = (value: number) => {
    const units = language.startsWith("fr") ? ["o", "Kio", "Mio", "Gio", "Tio"] : ["B", "KiB", "MiB", "GiB", "TiB"];
    let size = value;
    let unit = 0;
    while (size >= 1024 && unit < units.length - 1) {
      size /= 1024;
      unit += 1;
    }
    return `${number(size, unit === 0 || size >= 100 ? 0 : 1)}\u00a0${units[unit]}`;
  };
  const duration = (seconds: number) => {
    const whole = Math.max(0, Math.round(seconds));
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    if (hours > 0) return `${hours}\u00a0h ${String(minutes).padStart(2, "0")}\u00a0min`;
    if (minutes > 0) return `${minutes}\u00a0min ${String(rest).padStart(2, "0")}\u00a0s`;
    return `${rest}\u00a0s`;
  };
  const milliseconds = (value: number) => (value < 1000 ? `${number(value)}\u00a0ms` : `${number(value / 1000, 1)}\u00a0s`);
  const dateTime = (iso: string) =>
    new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
  const time = (iso: string) => new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(new Date(iso));
  /** Learning rates: 0.0002 stays, 1.5e-7 too. */
  const small = (value: number) =>
    value !== 0 && Math.abs(value) < 1e-4
      ? new Intl.NumberFormat(language, { notation: "scientific", maximumFractionDigits: 1 }).format(value).toLowerCase()
      : number(value, 6);
  return { number, compact, fixed, percent, bytes, duration, milliseconds, dateTime, time, small };
}

export type Formatters = ReturnType<typeof formatters>;

/** The reader's own variant of a language: dates in Britain are not those in America. */
function localeOf(language: string): string {
  return navigator.languages.find((tag) => tag === language || tag.startsWith(`${language}-`)) ?? language;
}

export function useFormat(): Formatters {
  const { i18n } = useTranslation();
  return formatters(localeOf(i18n.language));
}
