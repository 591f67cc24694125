import type { ComponentChildren } from "preact";
import { useOnline } from "../api/online";
import type { Resource } from "../api/use-resource";
import { t } from "../i18n/text";
import { problemText } from "../i18n/problem-text";
import { Button } from "./button";

/** Something is said in place of content, with what one can do about it. */
export function Notice(props: {
  tone?: "plain" | "error" | "warning" | "success";
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
  role?: "alert" | "status";
  class?: string;
}) {
  return (
    <div class={`notice ${props.tone ?? "plain"} ${props.class ?? ""}`} role={props.role}>
      <p class="notice-title">{props.title}</p>
      {props.children && <div class="notice-text">{props.children}</div>}
      {props.action && <div class="actions">{props.action}</div>}
    </div>
  );
}

/** Lines where rows will be. */
export function Skeleton({ rows = 3 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">{t("state.loading")}</span>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} class="skeleton-row" aria-hidden="true" />
      ))}
    </div>
  );
}

/** Why a request has no answer, and a way to try again. */
export function FailedNotice({
  resource,
}: {
  resource: Pick<Resource<unknown>, "problem" | "offline" | "refetch" | "loading">;
}) {
  const { problem, offline, refetch, loading } = resource;
  const online = useOnline();
  if (problem === null && !offline) return null;
  return (
    <Notice
      tone={offline ? "warning" : "error"}
      role="alert"
      title={!offline ? t("state.error") : online ? t("state.no_answer") : t("state.offline")}
      action={
        <Button onClick={refetch} busy={loading}>
          {t("state.retry")}
        </Button>
      }
    >
      <p>{problem === null ? t("state.offline_text") : problemText(problem)}</p>
    </Notice>
  );
}

/** A resource in whichever state it is in: what is known is shown, below what went wrong. */
export function Loaded<Body>(props: {
  resource: Resource<Body>;
  rows?: number;
  children: (data: Body) => ComponentChildren;
}) {
  const { resource } = props;
  return (
    <>
      <FailedNotice resource={resource} />
      {resource.data !== undefined
        ? props.children(resource.data)
        : resource.loading &&
          !resource.offline &&
          resource.problem === null && <Skeleton rows={props.rows} />}
    </>
  );
}
