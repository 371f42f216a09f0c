/** s3rver in a process of its own: the tokens of its lists want a cipher that OpenSSL 3 has in its legacy provider alone. */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { s3rverFolder } from './s3Server.ts';

/** As much of s3rver as is used. */
type S3rver = new (options: Readonly<Record<string, unknown>>) => { run(): Promise<AddressInfo> };

const [directory, ...buckets] = process.argv.slice(2);
const Server = createRequire(import.meta.url)(s3rverFolder) as S3rver; // as its documentation says
const configureBuckets = buckets.map((name) => ({ name }));
const server = new Server({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets });
process.on('disconnect', () => process.exit());
const { port } = await server.run();
process.send?.(port);
