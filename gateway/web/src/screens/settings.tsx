import { useState } from "preact/hooks";
import { cache } from "../api/cache";
import { Offline, Problem, request, type Failure } from "../api/client";
import type { Me, Theme } from "../api/types";
import { useMe } from "../api/use-resource";
import { Button, LinkButton } from "../components/button";
import { Choice } from "../components/choice";
import { SelectField, TextField } from "../components/field";
import { Icon } from "../components/icon";
import { Page } from "../components/page";
import { Notice } from "../components/states";
import { applyProfile } from "../i18n/apply-profile";
import { languages, language, localeTag, type Language } from "../i18n/locale";
import { problemText } from "../i18n/problem-text";
import { t } from "../i18n/text";
import { formatDate } from "../i18n/time";
import { formatMoney } from "../money";
import { announce } from "../status";
import { Identities } from "./settings-identities";
import { Sessions } from "./settings-sessions";

export function Settings() {
  return (
    <Page title={t("nav.settings")} class="narrow settings">
      <Profile />
      <Appearance />
      <Identities />
      <Sessions />
      <section class="card" aria-labelledby="export">
        <h2 id="export">{t("settings.export")}</h2>
        <p class="soft">{t("settings.export_text")}</p>
        <div class="actions">
          <LinkButton href="/v1/me/export" download>
            <Icon name="download" />
            {t("settings.export_get")}
          </LinkButton>
        </div>
      </section>
    </Page>
  );
}

type Patch = Partial<Pick<Me, "display_name" | "locale" | "theme">>;

/** Changes the profile; everything that shows it follows. pending is what is being changed. */
function useChange() {
  const [pending, setPending] = useState<Patch | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const change = async (patch: Patch) => {
    setPending(patch);
    setFailure(null);
    try {
      const { body } = await request<Me>("/v1/me", { method: "PATCH", body: patch });
      applyProfile(body);
      cache.set("/v1/me", body);
      announce(t("state.saved"));
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Offline)) throw error;
      setFailure(error);
    }
    setPending(null);
  };
  return { pending, failure, change };
}

function NotSaved({ failure }: { failure: Failure | null }) {
  if (failure === null) return null;
  return (
    <Notice tone="error" role="alert" title={t("settings.not_saved")}>
      <p>{problemText(failure)}</p>
    </Notice>
  );
}

const longest_name = 100;

function Profile() {
  const me = useMe();
  const { pending, failure, change } = useChange();
  const busy = pending !== null;
  const [name, setName] = useState(me.display_name);
  const [error, setError] = useState("");
  const save = (event: Event) => {
    event.preventDefault();
    const wanted = name.trim();
    setError(wanted === "" ? t("settings.name_empty") : "");
    if (wanted !== "" && !busy) void change({ display_name: wanted });
  };
  return (
    <section class="card" aria-labelledby="profile">
      <h2 id="profile">{t("settings.profile")}</h2>
      <form onSubmit={save} noValidate>
        <TextField
          label={t("settings.name")}
          hint={t("settings.name_hint")}
          name="display_name"
          autoComplete="name"
          maxLength={longest_name}
          value={name}
          error={error}
          onInput={setName}
        />
        <NotSaved failure={failure} />
        <div class="actions">
          <Button type="submit" look="primary" busy={busy}>
            {busy ? t("state.saving") : t("settings.save")}
          </Button>
        </div>
      </form>
    </section>
  );
}

const themes: Theme[] = ["system", "light", "dark"];

function themeText(theme: Theme): string {
  switch (theme) {
    case "system":
      return t("settings.theme_system");
    case "light":
      return t("settings.theme_light");
    case "dark":
      return t("settings.theme_dark");
  }
}

function Appearance() {
  const me = useMe();
  const { pending, failure, change } = useChange();
  const locale = pending?.locale ?? localeTag();
  const chosen = locale.split("-")[0] as Language;
  return (
    <section class="card" aria-labelledby="appearance">
      <h2 id="appearance">{t("settings.appearance")}</h2>
      <div class="pair">
        <SelectField<Language>
          label={t("settings.language")}
          value={chosen}
          options={(Object.keys(languages) as Language[]).map((each) => ({
            value: each,
            text: languages[each].name,
            lang: each,
          }))}
          onChange={(wanted) => void change({ locale: `${wanted}-${languages[wanted].regions[0]}` })}
        />
        <SelectField
          label={t("settings.format")}
          hint={t("settings.format_hint")}
          value={locale}
          options={formats(chosen, locale).map((tag) => ({ value: tag, text: formatSample(tag) }))}
          onChange={(wanted) => void change({ locale: wanted })}
        />
      </div>
      <Choice
        legend={t("settings.theme")}
        value={pending?.theme ?? me.theme}
        options={themes.map((value) => ({ value, text: themeText(value) }))}
        onChange={(theme) => void change({ theme })}
      />
      <NotSaved failure={failure} />
    </section>
  );
}

/** The locales of a language, the present one among them. */
function formats(chosen: Language, present: string): string[] {
  const tags = languages[chosen].regions.map((region) => `${chosen}-${region}`);
  return tags.includes(present) ? tags : [present, ...tags];
}

const sample_amount = 123456;

function formatSample(tag: string): string {
  const region = new Intl.DisplayNames(language(), { type: "region" }).of(tag.split("-")[1] ?? "") ?? tag;
  return `${region}: ${formatMoney(sample_amount, "USD", { locale: tag, bare: true })} · ${formatDate(new Date(), tag)}`;
}
