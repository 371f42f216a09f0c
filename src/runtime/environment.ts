/**
 * What the process may be asked, in Deno too, where a program without the permission gets an exception or, on a terminal,
 * makes Deno ask the user. sotto can do without each of these, so it looks first and never asks.
 */
import process from 'node:process';

/** As much of Deno's as is used. */
interface Permissions {
  querySync(wanted: DenoPermission): { readonly state: 'granted' | 'prompt' | 'denied' };
}

export type DenoPermission =
  | { readonly name: 'env'; readonly variable: string }
  | { readonly name: 'read' | 'write'; readonly path: string }
  | { readonly name: 'sys'; readonly kind: string };

/** Whether this may be used without a question; always true in Node and Bun. */
export function isPermitted(wanted: DenoPermission): boolean {
  const { Deno } = globalThis as { readonly Deno?: { readonly permissions?: Permissions } };
  return Deno?.permissions === undefined || Deno.permissions.querySync(wanted).state === 'granted';
}

/** A variable of the environment; undefined too where it may not be read. */
export function environment(variable: string): string | undefined {
  return isPermitted({ name: 'env', variable }) ? process.env[variable] : undefined;
}
