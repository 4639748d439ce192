import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { DataVolume } from './data.ts'
import type { Refusal } from './faults.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'

const home = 'https://github.com/mbentley/docker-omada-controller'

/**
 * What the image's entrypoint does before it becomes the controller, with its own words.
 * Source: mbentley/docker-omada-controller entrypoint-unified.sh. The order of the checks is the entrypoint's.
 * @returns false when it refuses: the process then ends with exit code 1
 */
export function runEntrypoint(settings: Settings, data: DataVolume, log: Log): boolean {
  const { version, environment } = settings
  if (data.prepare()) {
    log.entrypoint("INFO: Database directory missing; creating '/opt/tplink/EAPController/data/db'")
    log.entrypoint('done')
  }
  log.entrypoint(`INFO: Time zone set to '${environment.TZ || 'Etc/UTC'}'`)
  if (environment.ROOTLESS !== 'true' && process.getuid?.() === 0) {
    const owned = data.own(Number(environment.PUID || 508), Number(environment.PGID || 508))
    if (owned)
      log.entrypoint(
        `WARN: Ownership not set correctly on '/opt/tplink/EAPController/data'; setting correct ownership (omada:omada)`,
      )
  }
  if (environment.MONGOD_EXTRA_ARGS && settings.externalMongo === undefined) {
    const args = environment.MONGOD_EXTRA_ARGS
    log.entrypoint(`INFO: MONGOD_EXTRA_ARGS='${args}'; creating mongod wrapper (real binary: /usr/bin/mongod)`)
  }
  if (existsSync(settings.certificate.cert) && existsSync(settings.certificate.key)) {
    log.entrypoint('INFO: Importing cert from /cert/tls.[key|crt]')
    // Under `set -e`, the old key store is gone by then.
    if (!imports(settings.certificate)) {
      log.entrypoint(`Could not find private key of the certificate from ${settings.certificate.key}`)
      return false
    }
  }
  const last = data.read('LAST_RAN_OMADA_VER.txt')?.trim() || '0.0.0'
  const refusal = settings.faults.refuse ?? naturalRefusal(settings, data, last)
  // Of the refusals two come after the look at the processor.
  const checksCpu = settings.major >= 6 && settings.externalMongo === undefined
  const cpuPassed = refusal === undefined || refusal === 'wiredtiger' || refusal === 'downgrade'
  if (checksCpu && cpuPassed) log.entrypoint(`${cpuCheck()}done`)
  for (const line of refusal === undefined ? [] : wording(refusal, settings, data, last)) log.entrypoint(line)
  if (refusal !== undefined) return false
  log.entrypoint(
    `INFO: Version check passed; image version (${version}) >= the last version ran (${last}); writing image version to last ran file...`,
  )
  data.write('LAST_RAN_OMADA_VER.txt', `${version}\n`)
  log.entrypoint('INFO: userland/kernel check passed')
  for (const [option, standard, variable] of [
    ['-Xms', '128m', 'JAVA_MIN_HEAP_SIZE'],
    ['-Xmx', '1024m', 'JAVA_MAX_HEAP_SIZE'],
  ] as const) {
    const value = environment[variable]
    if (value) log.entrypoint(`INFO: replacing '${option}${standard}' with '${option}${value}' (${variable})`)
  }
  log.entrypoint('INFO: Starting Omada Controller as user omada')
  return true
}

/** Whether `openssl pkcs12 -export` would make a key store of them without asking anybody. */
function imports({ cert, key }: Settings['certificate']): boolean {
  try {
    return new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)))
  } catch {
    return false
  }
}

/** The refusal that the data themselves call for. */
function naturalRefusal(settings: Settings, data: DataVolume, last: string): Refusal | undefined {
  const { major, minor, version } = settings
  if (['tpeap.0', 'tpeap.1', 'tpeap.ns'].some((name) => existsSync(data.path(`db/${name}`)))) return 'old-data'
  const lastMajor = Number(last.split('.')[0])
  if (lastMajor === 4 && (major > 5 || (major === 5 && minor >= 14))) return 'upgrade-4'
  const embedded = settings.externalMongo === undefined && last !== '0.0.0'
  if (embedded && major === 6 && lastMajor !== 6 && wiredTigerOf(data) !== '11.3.0') return 'wiredtiger'
  return compareVersions(version, last) < 0 ? 'downgrade' : undefined
}

function wording(refusal: Refusal, settings: Settings, data: DataVolume, last: string): string[] {
  const cpu = [
    `  See ${home}/blob/master/README.md#your-system-does-not-support-avx-or-armv82-a for details on what exactly this means and how you can address this`,
  ]
  const suffix = 'which is a requirement for the v6 and above container image as it only ships with MongoDB 8'
  switch (refusal) {
    case 'downgrade':
      return [
        `ERROR: The version from the image (${settings.version}) is older than the last version executed (${last === '0.0.0' ? '99.0.0' : last})!  Refusing to start to prevent data loss!`,
        "  To bypass this check, remove /opt/tplink/EAPController/data/LAST_RAN_OMADA_VER.txt only if you REALLY know what you're doing!",
      ]
    case 'avx':
      return [cpuCheck('x86_64'), `ERROR: your system does not support AVX ${suffix}`, ...cpu]
    case 'armv8.2-a':
      return [
        cpuCheck('aarch64'),
        `ERROR: your system does not support the armv8.2-a or later microarchitecture ${suffix}`,
        ...cpu,
      ]
    case 'wiredtiger':
      return [
        'INFO: Comparing your MongoDB version with the persistent data...',
        `ERROR: Your persistent data for MongoDB is using WiredTiger ${wiredTigerOf(data) ?? '3.1.0'} (an older MongoDB) but this version of the image has MongoDB 8.0.15!`,
        '  You either need to revert back to a previous v5 tag or manually execute the MongoDB database upgrade.',
        `  See ${home}/tree/master/mongodb_upgrade#help-my-controller-stopped-working for instructions on what to do`,
      ]
    case 'old-data':
      return [
        'ERROR: The data volume mounted to /opt/tplink/EAPController/data appears to have data from a previous version!',
        `  Follow the upgrade instructions at ${home}#upgrading-to-41`,
      ]
    case 'upgrade-4':
      return [
        'ERROR: You are attempting to upgrade from 4.x to 5.14.x or greater; the upgrade code was removed in 5.14.x!',
        `  See ${home}/blob/master/README_v3_and_v4.md#upgrade-path for the upgrade path from 4.x to 5.x`,
      ]
  }
}

function cpuCheck(machine: 'x86_64' | 'aarch64' = process.arch === 'arm64' ? 'aarch64' : 'x86_64'): string {
  const feature = machine === 'aarch64' ? 'armv8.2-a' : 'AVX'
  return `INFO: running hardware prerequisite check for ${feature} support on ${machine} to ensure your system can run MongoDB 8...`
}

function wiredTigerOf(data: DataVolume): string | undefined {
  return /WiredTiger (\d+\.\d+\.\d+)/.exec(data.read('db/WiredTiger.turtle') ?? '')?.[1]
}

/** Negative when `a` is the older one, as `sort -V` has it. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i++) {
    const difference = (left?.[i] ?? -1) - (right?.[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
