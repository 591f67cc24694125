// Whom the demo provider knows.

const domain = 'demo.tokpay.example';
const names = { alice: 'Alice Adams', bob: 'Bob Baker', carol: 'Carol Chen', dave: 'Dave Diaz' };

/** The account of a subject as oidc-provider wants it; undefined unless it is 1 to 20 of a-z and 0-9. */
export function account(subject) {
    if (!/^[a-z0-9]{1,20}$/.test(subject)) return undefined;
    const name = Object.hasOwn(names, subject) ? names[subject] : subject[0].toUpperCase() + subject.slice(1);
    const claims = { sub: subject, email: `${subject}@${domain}`, email_verified: true, name };
    return { accountId: subject, claims: () => claims };
}

/** The claims of the people on the buttons. */
export const demoPeople = Object.keys(names).map((subject) => account(subject).claims());
