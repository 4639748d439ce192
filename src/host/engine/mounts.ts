import type { EngineContainer } from './engine.ts'

/**
 * The directory of this machine that a container sees at `target`: as the engine says, else `configured` where that is a
 * path and no volume's name; undefined while nobody knows.
 */
export function mountSource(
  mounts: EngineContainer['mounts'] | undefined,
  target: string,
  configured: string,
): string | undefined {
  const source = mounts?.find((mount) => mount.target === target)?.source
  return source ?? (configured.startsWith('/') ? configured : undefined)
}
