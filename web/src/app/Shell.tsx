import { FolderOpen, ListChecks, Moon, Settings as SettingsIcon, Sun } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, ScrollRestoration, useLocation, useNavigationType } from "react-router";
import { chooseLanguage, LANGUAGES, type LanguageId } from "../shared/i18n";
import { cn } from "../shared/lib/cn";
import { chooseTheme, useTheme } from "../shared/lib/theme";
import { Button } from "../shared/ui/Button";

/** What surrounds every page: name, main menu, language and theme. */
export function Shell() {
  const { t } = useTranslation();
  useFocusOnNavigation();
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="absolute -top-16 left-4 z-50 rounded-lg bg-accent px-4 py-2 text-on-accent focus:top-3"
      >
        {t("app.skip")}
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface/95 backdrop-blur">
        <div className="mx-auto flex h-14 max-w-6xl items-center gap-1 px-3 sm:gap-4 sm:px-6">
          <Link to="/projects" className="flex items-center gap-2 rounded-md font-semibold tracking-tight">
            <img src="/favicon.svg" alt="" className="size-7" />
            <span className="max-sm:sr-only">FineTuneFlow</span>
          </Link>
          <nav aria-label={t("app.navigation")} className="flex flex-1 items-center gap-0.5 sm:gap-1">
            <MenuLink to="/projects" icon={<FolderOpen aria-hidden />} label={t("app.projects")} />
            <MenuLink to="/jobs" icon={<ListChecks aria-hidden />} label={t("app.jobs")} />
            <MenuLink to="/settings" icon={<SettingsIcon aria-hidden />} label={t("app.settings")} />
          </nav>
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </header>
      <main id="content" className="mx-auto w-full max-w-6xl flex-1 px-3 py-6 sm:px-6 sm:py-8">
        <Outlet />
      </main>
      <footer className="border-t border-line px-4 py-4 text-center text-xs text-soft">{t("app.local")}</footer>
      <ScrollRestoration getKey={(location) => location.pathname} />
    </div>
  );
}

function MenuLink(props: { to: string; icon: React.ReactNode; label: string }) {
  return (
    <NavLink
      to={props.to}
      className={({ isActive }) =>
        cn(
          "flex h-9 items-center gap-2 rounded-lg px-2.5 text-sm font-medium [&_svg]:size-4",
          isActive ? "bg-accent-soft text-accent-strong" : "text-soft hover:bg-sunken hover:text-ink",
        )
      }
    >
      {props.icon}
      <span className="max-[520px]:sr-only">{props.label}</span>
    </NavLink>
  );
}

function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <select
      aria-label={t("settings.language")}
      value={i18n.language}
      onChange={(event) => chooseLanguage(event.target.value as LanguageId)}
      className="h-9 rounded-lg border border-line bg-surface px-2 text-sm text-ink"
    >
      {LANGUAGES.map((language) => (
        <option key={language.id} value={language.id} lang={language.id}>
          {language.name}
        </option>
      ))}
    </select>
  );
}

function ThemeSwitch() {
  const { t } = useTranslation();
  const { theme } = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  const label = `${t("common.labelled", { label: t("settings.theme") })} ${t(`settings.themes.${other}`)}`;
  return (
    <Button look="quiet" size="icon" aria-label={label} title={label} onClick={() => chooseTheme(other)}>
      {theme === "dark" ? <Sun aria-hidden /> : <Moon aria-hidden />}
    </Button>
  );
}

/** After a change of page the new one is seen from its top and its title has the focus, as after a page load; not at the first load. */
function useFocusOnNavigation(): void {
  const { pathname } = useLocation();
  const isBackOrForward = useNavigationType() === "POP";
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    if (!isBackOrForward) window.scrollTo({ top: 0 });
    const focusTitle = () => {
      const title = document.querySelector<HTMLElement>("#content h1");
      title?.focus({ preventScroll: true });
      return title !== null;
    };
    if (focusTitle()) return;
    // The page's code is still on its way.
    const content = document.getElementById("content");
    if (!content) return;
    const observer = new MutationObserver(() => {
      if (focusTitle()) observer.disconnect();
    });
    observer.observe(content, { childList: true, subtree: true });
    return () => observer.disconnect();
    // How a page was come to is told together with its address.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pathname]);
}
