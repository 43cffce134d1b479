import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "../../shared/ui/Button";
import { WarnNote } from "../../shared/ui/States";

/** The model cannot write examples, and what can be done instead. */
export function TooSmall({ projectId, className }: { projectId: string; className?: string }) {
  const { t } = useTranslation();
  return (
    <WarnNote title={t("writing.tooSmall")} {...(className ? { className } : {})}>
      <p>{t("writing.tooSmallText")}</p>
      <OtherWays projectId={projectId} />
    </WarnNote>
  );
}

/** Another model, or none at all. */
export function OtherWays({ projectId }: { projectId: string }) {
  const { t } = useTranslation();
  return (
    <div className="mt-2 flex flex-wrap gap-2">
      <Button asChild size="small">
        <Link to="/settings#connections">{t("writing.connect")}</Link>
      </Button>
      <Button asChild size="small">
        <Link to={`/projects/${projectId}/review?make=examples`}>{t("writing.without")}</Link>
      </Button>
    </div>
  );
}
