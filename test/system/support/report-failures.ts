import { afterEach } from 'vitest'

/** Prints what a host and its devices said last whenever a test of the calling file fails. */
export function reportFailures(host: { report(): string | Promise<string> }): void {
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail') console.error(await host.report())
  })
}
