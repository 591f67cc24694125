import { Avatar } from "../components/person";
import { Icon } from "../components/icon";
import { t } from "../i18n/text";
import { formatMoney } from "../money";

// An example, and called one: nobody's balance.
const before = 124_000;
const payments = [
  { name: "Amira Haddad", amount: 2_400 },
  { name: "Jonas Weber", amount: 2_400 },
  { name: "Mei Tanaka", amount: 1_850 },
];
const total = payments.reduce((sum, { amount }) => sum + amount, 0);

/** What a payment to three people looks like, drawn of the parts the app itself is made of. */
export function ProductPicture() {
  return (
    <figure class="picture">
      <div class="picture-card" role="img" aria-label={t("picture.text", { count: payments.length })}>
        <div aria-hidden="true">
          <p class="soft small">{t("overview.balance")}</p>
          <p class="big amount">{formatMoney(before - total, "USD")}</p>
          <svg class="picture-line" viewBox="0 0 320 56" preserveAspectRatio="none">
            <path class="area" d="M0 44 40 40 80 42 120 26 160 30 200 16 240 20 280 8 320 14V56H0Z" />
            <path class="line" d="M0 44 40 40 80 42 120 26 160 30 200 16 240 20 280 8 320 14" />
          </svg>
          <ul>
            {payments.map(({ name, amount }) => (
              <li key={name}>
                <Avatar name={name} />
                <span>{name}</span>
                <span class="amount">{formatMoney(-amount, "USD")}</span>
                <span class="tick">
                  <Icon name="check" />
                </span>
              </li>
            ))}
          </ul>
          <p class="picture-total">
            <span>{t("picture.sent", { count: payments.length })}</span>
            <span class="amount">{formatMoney(total, "USD")}</span>
          </p>
        </div>
      </div>
      <figcaption class="soft small">{t("picture.caption")}</figcaption>
    </figure>
  );
}
