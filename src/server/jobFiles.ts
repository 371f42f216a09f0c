/** The files of jobs: a folder each, with `job.json`, its sound and in the end its result; one server at a time. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { OptionsError } from '../base/errors.ts';
import { isSystemError } from '../base/systemErrors.ts';
import { isAlive } from '../files/isAlive.ts';
import type { ErrorBody } from './errors.ts';
import type { Asked } from './parameters.ts';

export type JobStatus = 'queued' | 'running' | 'done' | 'failed';

/** `job.json` */
export interface JobRecord {
  readonly id: string;
  readonly owner: string;
  /** Unix milliseconds. */
  readonly created: number;
  readonly seconds: number;
  readonly model: string;
  readonly asked: Asked;
  /** In the file never `running`: after a restart it waits again. */
  readonly status: JobStatus;
  readonly finished?: number;
  readonly contentType?: string;
  readonly error?: ErrorBody;
}

const LOCK = 'server.pid';
const ID = /^job_[\da-f]{32}$/;

export class JobFiles {
  readonly #folder: string;
  #isLocked = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Jobs that are there, oldest first. @throws {OptionsError} `stateFolder` if another server works on them */
  load(): readonly JobRecord[] {
    let ids: string[];
    try {
      ids = readdirSync(this.#folder).filter((name) => ID.test(name));
    } catch {
      return []; // no folder: no jobs
    }
    if (ids.length === 0) return [];
    this.#lock();
    return ids.flatMap((id) => this.#read(id)).sort((a, b) => a.created - b.created);
  }

  /** @param sound a WAV file, which is moved @throws {OptionsError} `stateFolder`; what the system reports */
  create(record: JobRecord, sound: string): void {
    this.#lock();
    try {
      mkdirSync(this.#at(record.id), { mode: 0o700 });
      move(sound, this.sound(record.id));
      this.save(record);
    } catch (error) {
      this.remove(record.id);
      throw error;
    }
  }

  /** In one step, so that a record is whole or the one before. */
  save(record: JobRecord): void {
    const path = this.#at(record.id, 'job.json');
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  /** Path of the WAV file. */
  sound(id: string): string {
    return this.#at(id, 'sound.wav');
  }

  removeSound(id: string): void {
    rmSync(this.sound(id), { force: true });
  }

  writeResult(id: string, text: string): void {
    writeFileSync(this.#at(id, 'result'), text);
  }

  result(id: string): string {
    return readFileSync(this.#at(id, 'result'), 'utf8');
  }

  remove(id: string): void {
    rmSync(this.#at(id), { recursive: true, force: true });
  }

  /** Lets another server have them. */
  release(): void {
    if (this.#isLocked) rmSync(join(this.#folder, LOCK), { force: true });
    this.#isLocked = false;
  }

  /** Of a folder without a whole record nothing was promised to anybody. */
  #read(id: string): JobRecord[] {
    try {
      return [JSON.parse(readFileSync(this.#at(id, 'job.json'), 'utf8')) as JobRecord]; // as `save` writes it
    } catch {
      this.remove(id);
      return [];
    }
  }

  #at(id: string, ...names: readonly string[]): string {
    return join(this.#folder, id, ...names);
  }

  #lock(): void {
    if (this.#isLocked) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, LOCK);
    for (let tries = 0; ; tries++) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        this.#isLocked = true;
        return;
      } catch (error) {
        if (!isSystemError(error) || error.code !== 'EEXIST' || tries > 0) throw error;
        const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
        if (isAlive(pid)) {
          throw new OptionsError('stateFolder', `The jobs in ${this.#folder} are another server's, process ${pid}.`, {
            hint: 'Give each server a folder of its own: --state_dir.',
          });
        }
        rmSync(path, { force: true });
      }
    }
  }
}

/** Onto another disk too. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EXDEV') throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}
