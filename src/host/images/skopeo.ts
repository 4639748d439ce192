import { createHash } from 'node:crypto'
import { ApplianceError, messageOf } from '../../core/errors.ts'
import { ProgramError, runProgram } from '../../core/run-program.ts'
import { parseObject, plainText } from '../../core/text.ts'
import { containerToolVariables } from '../engine/environment.ts'
import { registryFault } from '../engine/registry-fault.ts'

/** Longest answer of a registry that is read, and how long skopeo may take. */
const maxBytes = 4 * 1024 * 1024
const deadlineMilliseconds = 60_000

interface SkopeoOptions {
  /** With the logins to registries. */
  readonly authFile: string | undefined
  readonly signal: AbortSignal
}

/** Digests under which a tag's image may be known: of the tag itself and, of an index, of the image for `architecture`. */
export async function remoteDigests(
  reference: string,
  architecture: string,
  options: SkopeoOptions,
): Promise<readonly [tag: string, ...images: string[]]> {
  const raw = await skopeo(['inspect', '--raw', `docker://${reference}`], reference, options)
  return [`sha256:${createHash('sha256').update(raw).digest('hex')}`, ...imagesFor(raw, architecture)]
}

/** The repository's tags. */
export async function remoteTags(repository: string, options: SkopeoOptions): Promise<readonly string[]> {
  const answer = await skopeo(['list-tags', `docker://${repository}`], repository, options)
  const tags = parseObject(answer.toString())?.Tags
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : []
}

/** Docker's manifest list and OCI's image index name the image of each platform in `manifests`. */
function imagesFor(raw: Buffer, architecture: string): string[] {
  const manifests = parseObject(raw.toString())?.manifests
  if (!Array.isArray(manifests)) return []
  return manifests.flatMap((entry: { digest?: unknown; platform?: { architecture?: unknown } } | null) =>
    entry?.platform?.architecture === architecture && typeof entry.digest === 'string' ? [entry.digest] : [],
  )
}

async function skopeo(
  [verb, ...args]: readonly [string, ...string[]],
  subject: string,
  { authFile, signal }: SkopeoOptions,
): Promise<Buffer> {
  try {
    const options = { deadlineMilliseconds, maxBytes, signal, inherit: containerToolVariables }
    const login = authFile === undefined ? [] : ['--authfile', authFile]
    return await runProgram(['skopeo', verb, ...login, ...args], options)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ProgramError && error.kind === 'absent') {
      throw new ApplianceError({
        code: 'REGISTRY_UNREACHABLE',
        message: 'newer images cannot be looked for: skopeo is not installed',
        remedy: 'apt-get install skopeo',
      })
    }
    const known = registryFault(lastLine(error), subject, 'omada-host')
    throw new ApplianceError(
      known ?? {
        code: 'REGISTRY_UNREACHABLE',
        message: `the registry was not asked about ${subject}: ${lastLine(error)}`,
        remedy: "check this machine's way to the internet; the next check is at images.checkSchedule",
      },
      { cause: error },
    )
  }
}

/** The last thing that skopeo said, without its `time="…" level=fatal msg="…"`. */
function lastLine(error: unknown): string {
  const line = error instanceof ProgramError ? error.lines.at(-1) : undefined
  if (line === undefined) return messageOf(error)
  return plainText(/\bmsg="(.*)"$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line, 400)
}
