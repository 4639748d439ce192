import { readFileSync } from 'node:fs'
import { ApplianceError } from '../core/errors.ts'

/** A user of this machine by numbers. */
export interface UserIds {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** The first of `names` that passwd(5) text has. */
export function findUser(passwd: string, names: readonly string[]): UserIds | undefined {
  const users = passwd.split('\n').map((line) => line.split(':'))
  for (const wanted of names) {
    const [name, , uid, gid] = users.find((fields) => fields[0] === wanted) ?? []
    if (name !== undefined && uid !== undefined && gid !== undefined)
      return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

/** Who the edge runs as under `omada-host run`: a user made for it, else the one that owns nothing. */
export function edgeUser(): UserIds {
  const user = findUser(readFileSync('/etc/passwd', 'utf8'), ['omada-host-edge', 'nobody'])
  if (user === undefined || user.uid === 0) {
    throw new ApplianceError({
      code: 'PRIVILEGES',
      message: 'there is no unprivileged user for the edge: /etc/passwd has neither omada-host-edge nor nobody',
      remedy: 'useradd --system --no-create-home --shell /usr/sbin/nologin omada-host-edge',
    })
  }
  return user
}

/**
 * Turns this process, which runs as root, into one of an ordinary user, for good: no other groups, no capabilities.
 * @throws the system's error when the process may not change its user
 */
export function dropPrivileges(user: Pick<UserIds, 'uid' | 'gid'>): void {
  if (process.setgroups === undefined || process.setgid === undefined || process.setuid === undefined) {
    throw new ApplianceError({
      code: 'UNSUPPORTED_PLATFORM',
      message: `this platform has no users: ${process.platform}`,
      remedy: 'run omada-host on Linux',
    })
  }
  process.setgroups([user.gid])
  process.setgid(user.gid)
  process.setuid(user.uid)
}
