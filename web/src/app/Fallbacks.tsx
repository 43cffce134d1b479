import { MapPinOff, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useRouteError } from "react-router";
import { Button } from "../shared/ui/Button";
import { EmptyState } from "../shared/ui/States";
import { PageHeader } from "../shared/ui/Page";

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={t("app.notFoundTitle")} />
      <EmptyState icon={MapPinOff} title={t("app.notFoundTitle")} text={t("app.notFoundText")}>
        <Button asChild look="primary">
          <Link to="/projects">{t("app.toProjects")}</Link>
        </Button>
      </EmptyState>
    </>
  );
}

/** A fault of the page itself. A file of another version that is gone shows up here too: reloading brings the current one. */
export function CrashPage() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <div role="alert">
      <PageHeader title={t("app.crashTitle")} />
      <EmptyState icon={TriangleAlert} title={t("app.crashTitle")} text={t("app.crashText")}>
        <Button look="primary" onClick={() => window.location.reload()}>
          {t("app.reload")}
        </Button>
      </EmptyState>
      <pre lang="en" className="mt-4 overflow-x-auto rounded-lg bg-sunken p-3 text-xs text-soft">
        {error instanceof Error ? error.message : String(error)}
      </pre>
    </div>
  );
}
