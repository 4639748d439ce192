import { request } from 'node:https'
import { StandinController } from './controller.ts'

/** The image's health check: 200 from /login. Its own words are `wget https://127.0.0.1:8043/login`. */
function healthcheck(): void {
  const port = Number(process.env.MANAGE_HTTPS_PORT || 8043)
  request({ host: '127.0.0.1', port, path: '/login', rejectUnauthorized: false, timeout: 5000 }, (response) =>
    process.exit(response.statusCode === 200 ? 0 : 1),
  )
    .on('timeout', () => process.exit(1))
    .on('error', () => process.exit(1))
    .end()
}

/** The container's PID 1, or an ordinary process: environment in, log lines out, exit code by the image's contract. */
async function main(): Promise<void> {
  let controller: StandinController | undefined
  // Before anything else: PID 1 has no default for a signal without a handler.
  process.on('SIGTERM', () => (controller === undefined ? process.exit(143) : void controller.stop(143)))
  process.on('SIGINT', () => (controller === undefined ? process.exit(130) : void controller.stop(130)))
  process.stdout.on('error', () => undefined)
  const write = (line: string) => process.stdout.write(`${line}\n`)
  controller = new StandinController({ environment: process.env, write })
  const [code] = await Promise.all([controller.ended, controller.start()])
  process.stdout.write('', () => process.exit(code))
}

if (process.argv[2] === 'healthcheck') healthcheck()
else {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  })
}
