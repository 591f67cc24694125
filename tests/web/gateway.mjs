// Another gateway on the instance's database, for a test to kill, and locks that make a payment wait.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { checkout, pgUrl, runDir } from './settings.mjs';

const program = process.env.TOKPAY_TEST_GATEWAY ?? `${checkout}build/gateway/tokpay-gateway`;
export const home = existsSync(`${runDir}/home`) ? realpathSync(`${runDir}/home`) : runDir;
const readyTimeoutMs = 20_000;

// Below those that outgoing connections take, so that a restarted gateway finds its own again.
export async function freePort() {
    for (;;) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        const server = createServer().listen(port, '127.0.0.1');
        const isFree = await once(server, 'listening').then(() => true, () => false);
        if (!isFree) continue;
        server.close();
        await once(server, 'close');
        return port;
    }
}

/** Waits until condition() is true. */
export async function eventually(condition, what, timeoutMs = readyTimeoutMs) {
    for (const deadline = Date.now() + timeoutMs; !await condition(); await setTimeout(50)) {
        if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    }
}

export class Gateway {
    /** settings: the file instead of the instance's own; flags: as `--threads=1`. */
    static async start({ settings = `${home}/gateway.conf`, flags = [] } = {}) {
        const gateway = new Gateway();
        gateway.arguments = ['--config', settings, ...flags];
        gateway.port = await freePort();
        gateway.adminPort = await freePort();
        gateway.url = `http://127.0.0.1:${gateway.port}`;
        await gateway.restart();
        return gateway;
    }

    async restart() {
        this.process = spawn(program, [...this.arguments, `--listen=127.0.0.1:${this.port}`,
            `--admin-listen=127.0.0.1:${this.adminPort}`, '--threads=1'], { stdio: 'ignore' });
        await eventually(() => fetch(`http://127.0.0.1:${this.adminPort}/readyz`).then(({ ok }) => ok, () => false), 'the gateway');
    }

    async kill() {
        const ended = once(this.process, 'exit');
        this.process.kill('SIGKILL');
        await ended;
    }

    /** A session of the instance's own gateway is one here, too; only the cookie's name has the port in it. */
    async takeSession(context) {
        const [cookie] = (await context.cookies()).filter(({ name }) => /^tokpay-\d+$/.test(name));
        await context.addCookies([{ ...cookie, name: `tokpay-${this.port}` }]);
    }
}

/** One session of psql's, as a superuser. */
export class Psql {
    constructor() {
        this.process = spawn('psql', ['-X', '-q', '-A', '-t', '-d', pgUrl], { stdio: ['pipe', 'pipe', 'inherit'] });
    }

    /** What a statement of one row and column answers. */
    async ask(statement) {
        this.process.stdin.write(`${statement};\n`);
        const [answer] = await once(this.process.stdout, 'data');
        return String(answer).trim();
    }

    end() {
        this.process.stdin.end();
        return once(this.process, 'exit');
    }
}

/** Makes whoever debits or credits an account wait. Answers {waiting(): whether somebody does, release()}. */
export async function lockAccount(account) {
    const [holder, watcher] = [new Psql(), new Psql()];
    const pid = await holder.ask(`begin; select pg_backend_pid() from tokpay.account_state where id = ${account} for update`);
    return {
        waiting: async () => Number(await watcher.ask(`select count(*) from pg_stat_activity where ${pid} = any (pg_blocking_pids(pid))`)) > 0,
        release: () => Promise.all([holder.end(), watcher.end()]),
    };
}
