import { parseImageReference } from './image-reference.ts'

/** Where the image keeps its data and its logs. Source: mbentley/docker-omada-controller, Dockerfile (VOLUME). */
export const dataDirectory = '/opt/tplink/EAPController/data'
export const logsDirectory = '/opt/tplink/EAPController/logs'
/** Uid and gid of the user that the controller runs as (PUID, PGID; entrypoint-unified.sh, setup_environment). */
export const imageUser = 508
/** Where its entrypoint looks for tls.crt and tls.key. */
export const certificateDirectory = '/cert'

/** Limits of the image's documented `docker run` (nofile). */
export const openFilesLimit = { soft: 4096, hard: 8192 } as const
/**
 * Threads and processes of the container's user. The controller runs some hundreds; said explicitly because engines
 * otherwise take limits that a root without CAP_SYS_RESOURCE cannot set.
 */
export const processLimit = { soft: 4096, hard: 4096 } as const

/**
 * The most processes and threads at once in the container, where its engine can keep such a limit: those of its user, and
 * as many again for all that root does in there.
 */
export const containerProcessLimit = 8192

/**
 * All that root may do in the container. The entrypoint gives directories to the controller's user, whoever owns what is in
 * them, and becomes that user by gosu (entrypoint-unified.sh: fix_permissions, check_version_downgrade, the last exec);
 * without DAC_OVERRIDE and FOWNER it was seen to fail at LAST_RAN_OMADA_VER.txt.
 */
const entrypointCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] as const

/**
 * An init stays root, and may not hand the signal that stops it on to the controller's user without KILL (kill(2)): seen to
 * end in SIGKILL after the whole grace.
 */
export function neededCapabilities({ init }: { readonly init: boolean }): readonly string[] {
  return init ? [...entrypointCapabilities, 'KILL'] : entrypointCapabilities
}

/**
 * Settings of the kernel in the container's own network: its user may listen on every port, as the entrypoint asks for
 * ports below 1024 (update_port_configuration), which 6.3's nginx may use. Docker sets it by itself, Podman does not.
 */
export const networkSettings = { 'net.ipv4.ip_unprivileged_port_start': '0' } as const

/**
 * Labels that keep programs from updating the container by themselves, as they would stop it in ten seconds and start
 * another version on its data: Watchtower and its forks, What's Up Docker, Tugtainer, Ouroboros. Sources: their documentation.
 */
export const updaterLabels = {
  'com.centurylinklabs.watchtower.enable': 'false',
  'wud.watch': 'false',
  'dev.quenary.tugtainer.auto_update': 'false',
  'com.ouroboros.enable': 'false',
} as const

/** A clean stop of the controller by SIGTERM: 128 + 15. Java is PID 1. */
export const cleanExitCode = 143

/** What MongoDB 8 needs of a processor, and what a user can look for in /proc/cpuinfo. */
export interface CpuNeed {
  /** Any one of these flags suffices. */
  readonly anyOf: readonly string[]
  readonly name: string
}

/**
 * The controller's major version by the image's tag: `6`, `6.2.10.17`, `6.2-openj9`, `beta-6.3`. `latest` stays on 5 by the
 * image's README. Undefined where the tag does not tell, such as for a digest.
 */
export function majorVersion(reference: string): number | undefined {
  const tag = parseImageReference(reference)?.tag
  if (tag === undefined) return undefined
  if (tag === 'latest') return 5
  const major = /^(?:[a-z]+-)?(\d{1,2})(?:[.-].*)?$/.exec(tag)?.[1]
  return major === undefined ? undefined : Number(major)
}

/**
 * What the image needs of a processor of this architecture (Go's name), or undefined when nothing is known of a need.
 * Source: entrypoint-unified.sh, check_cpu_features: v6 with its embedded MongoDB 8.
 */
export function cpuNeed(options: {
  image: string
  architecture: string
  externalDatabase: boolean
}): CpuNeed | undefined {
  const version = majorVersion(options.image)
  if (version === undefined || version < 6 || options.externalDatabase) return undefined
  if (options.architecture === 'amd64') return { name: 'AVX', anyOf: ['avx'] }
  if (options.architecture !== 'arm64') return undefined
  return { name: 'ARMv8.2-A', anyOf: ['fphp', 'dcpop', 'sha3', 'sm3', 'sm4', 'asimddp', 'sha512', 'sve'] }
}
