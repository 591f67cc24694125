// The demo provider's pages. Each function returns a whole HTML document.

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text) => text.replace(/[&<>"']/g, (character) => escapes[character]);

const page = (title, body, script = '') => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} – Demo sign-in</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/pages.css">${script}
</head>
<body>
<header class="logo"><svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" aria-hidden="true"><path d="M5 6h14M12 6v12M7.5 12h9"/></svg>TokPay demo sign-in</header>
<main>
<p class="demo"><b>This is a demonstration.</b> There is no password: anybody can be anybody here, and no money is real.</p>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;

const person = ({ sub, name, email }) => `<li><button name="user" value="${sub}">
<span class="initials" aria-hidden="true">${name.split(' ').map((word) => word[0]).join('')}</span>
<span><b>${name}</b> <span class="email">${email.replace('@', '<wbr>@')}</span></span>
</button></li>`;

/** Asks who one is. */
export const signIn = (people, fault = '') => page('Who are you?', `<p>Sign in as one of the demo people. Each has an account of their own.</p>
<form method="post"><ul>
${people.map(person).join('\n')}
</ul></form>
<form method="post" class="other">
<label for="user">Somebody else</label>
<div><input id="user" name="user" required maxlength="20" pattern="[A-Za-z0-9]+" autocomplete="off" autocapitalize="none" spellcheck="false"
 aria-describedby="rule"${fault && ' aria-invalid="true"'}>
<button>Continue</button></div>
<p id="rule"${fault && ' role="alert"'}>${fault || 'A name of your choice, letters and digits: a new person with a new account.'}</p>
</form>
<form method="post"><button name="cancel" class="plain">Cancel</button></form>`);

/** Ends the session here, asking first unless one comes from a client; form is oidc-provider's, without a button. */
export const signOut = (form, atOnce) => page('Signing out', `${form}
<p><button form="op.logoutForm" name="logout" value="yes">Sign out</button></p>`,
atOnce ? '\n<script src="/submit.js" defer></script>' : '');

export const message = (title, text) => page(title, `<p>${escape(text)}</p>`);
