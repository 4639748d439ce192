import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { SystemdHost, type SystemdHostOptions } from './systemd-host.ts'
import { whyNoSystemdHost } from './systemd-possible.ts'

/**
 * A host for the tests of the calling file or `describe`, opened before the first and closed after the last of them. Where
 * the machine cannot run one they are all skipped, with the reason; in CI they fail, because there a test that did not run
 * would let through what it is for. What the host said is printed when a test fails.
 * @param options or what returns them, for a host on the LAN of one that was opened before
 * @param prepare run once, on the new host
 */
export function systemdHost(
  options: SystemdHostOptions | (() => SystemdHostOptions) = {},
  prepare: (host: SystemdHost) => Promise<void> = async () => {},
): () => SystemdHost {
  let host: SystemdHost | undefined
  let why: string | undefined
  beforeAll(async () => {
    // A host on another one's LAN has to wait with its options until that one is known to be possible.
    why = await whyNoSystemdHost(typeof options === 'function' ? undefined : options.engine)
    if (why !== undefined && process.env.CI === 'true') throw new Error(`no host can be booted in CI: ${why}`)
    if (why !== undefined) return
    host = await SystemdHost.open(typeof options === 'function' ? options() : options)
    await prepare(host).catch(async (error: unknown) => {
      console.error(await host?.report())
      throw error
    })
  }, 1_500_000)
  beforeEach((context) => {
    if (why !== undefined) context.skip(why)
  })
  afterEach(async (context) => {
    if (context.task.result?.state === 'fail' && host !== undefined) console.error(await host.report())
  })
  afterAll(() => host?.close())
  return () => {
    if (host === undefined) throw new Error('there is no host outside of a test')
    return host
  }
}
