// An OpenID Connect provider for demonstrations: whoever asks is signed in, so it listens on the
// loopback only. Usage: node server.mjs SETTINGS.json
//   issuer    http://localhost:PORT
//   port      where it listens, where that is not the issuer's port: behind a proxy
//   key_file  RSA private key, PEM; signs ID tokens and cookies
//   clients   [{client_id, secret_file, redirect_uris, post_logout_redirect_uris}]

import { createHash, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider, { errors, interactionPolicy } from 'oidc-provider';
import { account, demoPeople } from './people.mjs';
import * as pages from './pages.mjs';

const loopback = ['127.0.0.1', '::1'];
const maxBodyBytes = 1024;

function fail(message) {
    console.error(`demo provider: ${message}`);
    process.exit(1);
}

const read = (file) => readFileSync(file, 'utf8').trim();
const settings = JSON.parse(read(process.argv[2] ?? fail('usage: node server.mjs SETTINGS.json')));
const issuer = new URL(settings.issuer);
if (issuer.protocol !== 'http:' || !['localhost', '127.0.0.1'].includes(issuer.hostname) || issuer.href !== `${issuer.origin}/`) {
    fail(`it signs anybody in, so its issuer has to be http://localhost:PORT, not ${settings.issuer}`);
}

const key = read(settings.key_file);
const callbackOrigins = settings.clients.flatMap((client) => client.redirect_uris.map((uri) => new URL(uri).origin));
const policy = interactionPolicy.base();
policy.remove('consent');

const provider = new Provider(issuer.origin, {
    clients: settings.clients.map(({ secret_file, ...client }) => ({ ...client, client_secret: read(secret_file) })),
    jwks: { keys: [{ ...createPrivateKey(key).export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    findAccount: (_ctx, id) => account(id),
    loadExistingGrant: grant,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { methods: ['S256'], required: () => true },
    interactions: { policy, url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
    // Cookies know no ports: another instance's provider would share these names.
    cookies: {
        keys: [createHash('sha256').update(`cookies ${key}`).digest('hex')],
        names: Object.fromEntries(['session', 'interaction', 'resume'].map((name) => [name, `demo-${issuer.port}-${name}`])),
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 43200, IdToken: 3600, Interaction: 3600, Session: 43200 },
    features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: {
            enabled: true,
            logoutSource: (ctx, form) => show(ctx, 200, pages.signOut(form, Boolean(ctx.oidc.client))),
            postLogoutSuccessSource: (ctx) => show(ctx, 200, pages.message('You are signed out', '')),
        },
    },
    renderError: (ctx, out) => show(ctx, ctx.status, pages.message('This sign-in did not work', out.error_description ?? out.error)),
});

/** The client may have whatever it asks for; nobody is asked. */
async function grant(ctx) {
    const { session, client, requestParamScopes } = ctx.oidc;
    const existing = await provider.Grant.find(session.grantIdFor(client.clientId) ?? '');
    const granted = existing ?? new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    granted.addOIDCScope([...requestParamScopes].join(' '));
    await granted.save();
    return granted;
}

// A form's answer is redirected to the client, and form-action holds for that too.
function show(ctx, status, body) {
    ctx.status = status;
    ctx.type = 'html';
    ctx.set('Cache-Control', 'no-store');
    ctx.set('Content-Security-Policy',
        `default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self' ${callbackOrigins.join(' ')}; base-uri 'none'; frame-ancestors 'none'`);
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.body = body;
}

/** A form's fields; undefined where there is too much. */
async function formOf(request) {
    let body = '';
    for await (const part of request) {
        body += part;
        if (body.length > maxBodyBytes) return undefined;
    }
    return new URLSearchParams(body);
}

/** The page that asks who one is, and its form: field `user`, or `cancel`. */
async function signIn(ctx) {
    await provider.interactionDetails(ctx.req, ctx.res);    // or SessionNotFound
    if (ctx.method !== 'POST') {
        show(ctx, 200, pages.signIn(demoPeople));
        return;
    }
    const form = await formOf(ctx.req);
    const user = form?.get('user')?.trim().toLowerCase();
    let result;
    if (form?.has('cancel')) {
        result = { error: 'access_denied', error_description: 'The person has cancelled' };
    } else if (user !== undefined && account(user)) {
        result = { login: { accountId: user, remember: false } };
    } else {
        show(ctx, 422, pages.signIn(demoPeople, 'A name has 1 to 20 letters and digits.'));
        return;
    }
    ctx.status = 303;
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
}

const files = { '/pages.css': 'text/css', '/submit.js': 'text/javascript' };

provider.use(async (ctx, next) => {
    if (Object.hasOwn(files, ctx.path)) {
        ctx.type = files[ctx.path];
        ctx.body = readFileSync(new URL(`.${ctx.path}`, import.meta.url));
    } else if (/^\/sign-in\/[\w-]+$/.test(ctx.path)) {
        await signIn(ctx).catch((error) => {
            if (!(error instanceof errors.SessionNotFound)) throw error;
            show(ctx, 400, pages.message('This sign-in is over', 'Go back to where you came from and sign in again.'));
        });
    } else {
        await next();
    }
});
provider.on('server_error', (_ctx, error) => console.error(error));

const port = settings.port ?? (issuer.port || 80);
for (const address of loopback) {
    provider.listen(port, address)
        .on('listening', () => console.log(`listening on ${address}, port ${port}`))
        .on('error', (error) => {
            // A machine may be without IPv6.
            if (address === '127.0.0.1' || error.code === 'EADDRINUSE') fail(error.message);
        });
}
process.on('SIGTERM', () => process.exit());
