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

/**
 * The refusal that the last lines of a container's log tell, or undefined. Only for a container that exited with 1: the
 * entrypoint's own code, which java does not use for a crash while it runs. No line of the log is in what it says: whoever
 * may see the status may not see the log. Of the line only the versions are named.
 */
export function findRefusal(lines: readonly string[]): Fault | undefined {
  for (const line of lines) {
    const refusal = refusals.find(({ pattern }) => pattern.test(line))
    if (refusal === undefined) continue
    const { code, message, remedy } = refusal
    const versions = line.match(/(?<![\w.])\d{1,4}(?:\.\d{1,6}){1,4}(?![\w.]*\w)/g) ?? []
    const named = versions.length === 0 ? '' : ` (it names ${versions.slice(0, 2).join(' and ')})`
    return { code, message: `the controller refuses to start: ${message}${named}`, remedy }
  }
  if (!lines.some((line) => line.trim().startsWith('ERROR: ')) || hasRunJava(lines)) return undefined
  return {
    code: 'CONTROLLER_REFUSED',
    message: "the image's entrypoint refused to start",
    remedy:
      'see the line that begins with ERROR in its log (omada-host logs), correct what it names, then: omada-host start',
  }
}

/** The entrypoint's last words before java: what follows them is the controller's, not a refusal. */
function hasRunJava(lines: readonly string[]): boolean {
  return lines.some((line) => line.startsWith('INFO: Starting Omada Controller'))
}

/** Whether a line tells that java's heap ran out. */
export function tellsOutOfMemory(lines: readonly string[]): boolean {
  return lines.some((line) => /\bOutOfMemoryError\b/.test(line))
}
