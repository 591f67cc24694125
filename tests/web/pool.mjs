// A PgBouncer of a test's own on the instance's database, to be stopped and to go on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually, freePort, home } from './gateway.mjs';

export class Pool {
    static async start() {
        const pool = new Pool();
        const port = await freePort();
        const instance = `${home}/pgbouncer.ini`;
        const { uid, gid } = statSync(instance);       // PgBouncer refuses to run as root
        const settings = readFileSync(instance, 'utf8');
        const instancePort = settings.match(/^listen_port = (\d+)$/m)[1];
        pool.settings = `${home}/pgbouncer-${port}.ini`;
        pool.gatewaySettings = `${home}/gateway-${port}.conf`;
        writeFileSync(pool.settings, settings.replace(`listen_port = ${instancePort}`, `listen_port = ${port}`), { mode: 0o600 });
        chownSync(pool.settings, uid, gid);
        const gateway = readFileSync(`${home}/gateway.conf`, 'utf8');
        writeFileSync(pool.gatewaySettings, gateway.replaceAll(`port=${instancePort}`, `port=${port}`), { mode: 0o600 });
        const path = `${process.env.PATH}:/usr/sbin`;
        pool.process = spawn('pgbouncer', ['--quiet', pool.settings], { stdio: 'ignore', uid, gid, cwd: '/', env: { ...process.env, PATH: path } });
        await eventually(() => new Promise((resolve) => {
            const probe = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
            probe.unref();
        }), 'PgBouncer');
        return pool;
    }

    stop() {
        this.process.kill('SIGSTOP');
    }

    go() {
        this.process.kill('SIGCONT');
    }

    async end() {
        this.go();
        const ended = once(this.process, 'exit');
        this.process.kill('SIGKILL');
        await ended;
        for (const file of [this.settings, this.gatewaySettings]) rmSync(file);
    }
}
