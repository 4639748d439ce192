import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of units/ and where it is installed, from `/`. */
export interface UnitPlace {
  readonly from: string
  readonly to: string
}

/** Where the files of units/ go, by how their names end. */
const places: readonly (readonly [ending: RegExp, place: (name: string) => string])[] = [
  [/\.(?:service|socket|target|timer)$/, (name) => `usr/lib/systemd/system/${name}`],
  [/sysusers(?:\.conf)?$/, () => 'usr/lib/sysusers.d/omada-host.conf'],
  [/tmpfiles(?:\.conf)?$/, () => 'usr/lib/tmpfiles.d/omada-host.conf'],
  // Before the files of an administrator, of which the last one counts.
  [/sysctl(?:\.conf)?$/, () => 'usr/lib/sysctl.d/30-omada-host.conf'],
  [/\.xml$/, () => 'usr/lib/firewalld/services/omada-host.xml'],
  [/ufw(?:\.conf)?$/, () => 'etc/ufw/applications.d/omada-host'],
]

/** Every file of the directory `units` with its place. @throws Error for one that has none */
export async function unitPlaces(units: string): Promise<readonly UnitPlace[]> {
  const names = (await readdir(units)).sort()
  return names.map((name) => {
    const place = places.find(([ending]) => ending.test(name))?.[1]
    if (place === undefined) throw new Error(`units/${name} has no place in the package: name one in unit-places.ts`)
    return { from: join(units, name), to: place(name) }
  })
}
