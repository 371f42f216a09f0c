/**
 * The text of worker.ts as a script, for runtimes and pages to start workers from. The build fills it in (embedWorker.ts);
 * in the sources it is empty, and workerSource.ts imports the module instead.
 */
export const WORKER_TEXT: string = '';
