import type { Fault } from '../core/errors.ts'

interface Refusal extends Fault {
  readonly pattern: RegExp
}

const image = 'https://github.com/mbentley/docker-omada-controller'

/**
 * What the image's entrypoint writes before it exits with 1 (entrypoint-unified.sh of mbentley/docker-omada-controller:
 * check_version_downgrade, validate_mongodb_version, check_cpu_features, validate_versions, check_old_version_files).
 */
const refusals: readonly Refusal[] = [
  {
    pattern: /ERROR: The version from the image \(.*\) is older than the last version executed/,
    code: 'CONTROLLER_DOWNGRADE',
    message: 'the data were last used by a newer controller than this image',
    remedy: 'set controller.image to the newer version, or restore the data of the older one together with its image',
  },
  {
    pattern: /ERROR: Your persistent data for MongoDB is using WiredTiger/,
    code: 'CONTROLLER_OLD_DATABASE',
    message: 'the database was written by an older MongoDB than the one in this image',
    remedy: `go back to the v5 image you had, or upgrade the database first: ${image}/tree/master/mongodb_upgrade`,
  },
  {
    pattern: /ERROR: your system does not support (?:AVX|the armv8\.2-a)/,
    code: 'CPU_UNSUPPORTED',
    message: 'the processor lacks what MongoDB 8 in this image needs',
    remedy: 'use a v5 image (controller.image …:5.15), an external MongoDB (mongo.uri), or another machine',
  },
  {
    pattern: /ERROR: You are attempting to upgrade from 4\.x|appears to have data from a previous version!/,
    code: 'CONTROLLER_OLD_DATA',
    message: 'the data are of a controller too old for this image',
    remedy: `upgrade step by step: ${image}/blob/master/README_v3_and_v4.md#upgrade-path`,
  },
]

const anyRefusal = /^ERROR: (.+)/

/**
 * The refusal that the last lines of a container's log tell, or undefined. Only for a container that exited with 1: the
 * entrypoint's own code, which java does not use for a crash while it runs.
 */
export function findRefusal(lines: readonly string[]): Fault | undefined {
  for (const line of lines) {
    const refusal = refusals.find(({ pattern }) => pattern.test(line))
    if (refusal === undefined) continue
    const { code, message, remedy } = refusal
    return { code, message: `the controller refuses to start: ${message} (${line.trim()})`, remedy }
  }
  const other = lines.map((line) => anyRefusal.exec(line.trim())?.[1]).find((text) => text !== undefined)
  if (other === undefined || hasRunJava(lines)) return undefined
  return {
    code: 'CONTROLLER_REFUSED',
    message: `the image's entrypoint refused to start: ${other}`,
    remedy: 'see the log before it (omada-host logs), correct what it names, then: omada-host start',
  }
}

/** The entrypoint's last words before java: what follows them is the controller's, not a refusal. */
function hasRunJava(lines: readonly string[]): boolean {
  return lines.some((line) => line.startsWith('INFO: Starting Omada Controller'))
}

/** The line that tells that java's heap ran out, or undefined. */
export function findOutOfMemory(lines: readonly string[]): string | undefined {
  return lines.find((line) => /\bOutOfMemoryError\b/.test(line))?.trim()
}
