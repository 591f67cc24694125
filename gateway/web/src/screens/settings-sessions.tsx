import { useState } from "preact/hooks";
import { cache } from "../api/cache";
import { Offline, Problem, request, type Failure } from "../api/client";
import type { Session } from "../api/types";
import { useResource } from "../api/use-resource";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Loaded, Notice } from "../components/states";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { formatDateTime } from "../i18n/time";
import { signOut } from "../shell";
import { announce } from "../status";
import { deviceOf } from "./user-agent";

const url = "/v1/me/sessions";

/** Where one is signed in, and ending that. */
export function Sessions() {
  const sessions = useResource<{ data: Session[] }>(url);
  const [ending, setEnding] = useState("");
  const [failure, setFailure] = useState<Failure | null>(null);
  const [asking, setAsking] = useState(false);

  const end = async (what: string, then: () => void) => {
    setEnding(what);
    setFailure(null);
    try {
      await request(what, { method: "DELETE" });
      then();
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Offline)) throw error;
      setFailure(error);
    }
    setEnding("");
  };
  const endOne = (session: Session) => {
    if (session.current) return void signOut();
    void end(`${url}/${session.id}`, () => {
      cache.update<{ data: Session[] }>(url, ({ data }) => ({
        data: data.filter(({ id }) => id !== session.id),
      }));
      announce(t("settings.session_ended"));
    });
  };

  return (
    <section class="card" aria-labelledby="sessions">
      <h2 id="sessions">{t("settings.sessions")}</h2>
      <p class="soft">{t("settings.sessions_text")}</p>
      <Loaded resource={sessions} rows={2}>
        {({ data }) => (
          <ul class="rows">
            {data.map((session) => (
              <li key={session.id}>
                <div>
                  <strong>{deviceOf(session.user_agent) ?? t("settings.unknown_device")}</strong>{" "}
                  {session.current && <span class="badge">{t("settings.this_session")}</span>}
                  <p class="soft small">
                    {t("settings.session_seen", {
                      seen: formatDateTime(session.last_seen_at),
                      expires: formatDateTime(session.expires_at),
                    })}
                  </p>
                </div>
                <Button busy={ending === `${url}/${session.id}`} onClick={() => endOne(session)}>
                  {t("nav.sign_out")}
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      {failure !== null && (
        <Notice tone="error" role="alert" title={t("settings.not_ended")}>
          <p>{problemText(failure)}</p>
        </Notice>
      )}
      <div class="actions">
        <Button look="danger" onClick={() => setAsking(true)}>
          {t("settings.everywhere")}
        </Button>
      </div>
      {asking && (
        <Dialog title={t("settings.everywhere_ask")} onClose={() => setAsking(false)}>
          <p>{t("settings.everywhere_text")}</p>
          <div class="actions">
            <Button
              look="danger"
              busy={ending === url}
              onClick={() => void end(url, () => window.location.assign("/"))}
            >
              {t("settings.everywhere")}
            </Button>
            <Button onClick={() => setAsking(false)}>{t("action.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
