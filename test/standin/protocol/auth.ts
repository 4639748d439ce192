import { createHash } from 'node:crypto'

function upperHex(algorithm: 'md5' | 'sha256', text: string): string {
  return createHash(algorithm).update(text, 'utf8').digest('hex').toUpperCase()
}

/**
 * What proves the knowledge of the device account: SHA256(SHA256(username + MD5(password)) + key), every hash in
 * upper-case hex before it goes into the next. Source: o-device-emulator device_emulator/protocol/auth.py.
 */
export function authToken(username: string, password: string, randomKey: string): string {
  return upperHex('sha256', upperHex('sha256', username + upperHex('md5', password)) + randomKey)
}

/** The factory account of a device. */
export const factoryAccount = { username: 'admin', password: 'admin' } as const
