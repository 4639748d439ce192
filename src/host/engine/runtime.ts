import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/**
 * How this machine mounts cgroups: `unified` is cgroup v2 alone; `hybrid` is v1 with v2 beside it under /unified, which
 * may hold controllers of its own.
 */
export interface CgroupLayout {
  readonly mode: 'unified' | 'hybrid' | 'legacy'
  /** Controllers bound to v2. */
  readonly unifiedControllers: readonly string[]
}

/** Reads the layout from `root`, which is /sys/fs/cgroup on a running machine. */
export async function readCgroupLayout(root = '/sys/fs/cgroup'): Promise<CgroupLayout> {
  for (const [mode, path] of [
    ['unified', 'cgroup.controllers'],
    ['hybrid', 'unified/cgroup.controllers'],
  ] as const) {
    const text = await readFile(join(root, path), 'utf8').catch(() => undefined)
    if (text !== undefined) return { mode, unifiedControllers: text.split(/\s+/).filter((name) => name !== '') }
  }
  return { mode: 'legacy', unifiedControllers: [] }
}

/**
 * Whether these cgroups can keep a limit of processes. Of cgroup v2 alone Podman says that it can, whatever controllers
 * there are (seen with 5.4.2), and then no container with such a limit starts.
 */
export function processLimitPossible({ mode, unifiedControllers }: CgroupLayout): boolean {
  return mode !== 'unified' || unifiedControllers.includes('pids')
}

/**
 * Whether an OCI runtime, by name or path, works with these cgroups. crun refuses a hybrid layout in which v2 holds any
 * controller (its src/libcrun/cgroup.c); runc takes all three.
 */
export function runtimeWorks(runtime: string, cgroups: CgroupLayout): boolean {
  return basename(runtime) !== 'crun' || cgroups.mode !== 'hybrid' || cgroups.unifiedControllers.length === 0
}
