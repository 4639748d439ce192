import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/**
 * What a probe child may inherit. Not the whole environment: OMADA_HOST_MONGO_URI may hold a password, and
 * NOTIFY_SOCKET and the like are the host's own. The certificate variables matter for an external database over TLS.
 */
const inherited = ['PATH', 'LANG', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']

/** A small young generation: the child makes little garbage, and 16 MB of it would lie about. */
const nodeOptions = '--max-semi-space-size=1'

/** More of what a child said last would not help anyone. */
const tailCharacters = 300

const lastWordsMilliseconds = 200

/** The command that runs `command` in the network namespace at `path`, a container's SandboxKey (nsenter(1)). */
export function inNetworkNamespace(path: string, command: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${path}`, '--', ...command]
}

/**
 * Starts a probe child with an IPC channel; the channel's descriptor survives nsenter's exec. In a session of its own,
 * so that Ctrl-C reaches the host alone: the child leaves when its channel closes.
 */
export function spawnProbe(command: readonly string[]): ChildProcess {
  const [file = '', ...args] = command
  return spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
    env: {
      ...Object.fromEntries(inherited.map((name) => [name, process.env[name]])),
      NODE_OPTIONS: nodeOptions,
    },
  })
}

/** Resolves, and never rejects, once a child has ended or could not be started, with how. */
export function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    // Other errors, such as a failed kill or send, are followed by an exit.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(error.message)
    })
    const how = (code: number | null, signal: string | null) =>
      signal === null ? `exit code ${code}` : `signal ${signal}`
    // After the last of what it said; but something that it started may hold its standard error open for ever.
    child.once('close', (code, signal) => resolve(how(code, signal)))
    child.once('exit', (code, signal) => setTimeout(() => resolve(how(code, signal)), lastWordsMilliseconds))
  })
}

/** Collects the last line that a child writes to its standard error, bounded. */
export function tailOf(stream: Readable | null): () => string {
  let tail = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-tailCharacters)
  })
  stream?.on('error', () => undefined)
  return () => tail.trimEnd().split('\n').at(-1) ?? ''
}
