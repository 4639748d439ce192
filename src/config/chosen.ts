import { configKeys } from './keys.ts'
import type { LoadedConfig } from './load.ts'

/** Values that a user chose for keys, by the keys' paths. */
export type Chosen = Readonly<Record<string, unknown>>

/**
 * What the user chose of all that makes a new container when it changes, whether or not it is the default: another version
 * of this program may have another default, and that is no choice of the user's. Where the certificate is makes no
 * difference to the container, which has a copy. Pure.
 */
export function chosenForContainer({ config, sources }: Pick<LoadedConfig, 'config' | 'sources'>): Chosen {
  const chosen = configKeys.filter(
    ({ path, meta }) => meta.needs === 'container' && sources.get(path)?.kind !== 'default',
  )
  return Object.fromEntries(
    chosen.map(({ section, key, path }): [string, unknown] => {
      const value: unknown = Reflect.get(Reflect.get(config, section), key)
      return [path, key === 'certificateDirectory' ? value !== undefined : value]
    }),
  )
}
