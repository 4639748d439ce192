import { isAbsolute } from 'node:path'
import * as z from 'zod'
import { isCidr, parseIpv4Network } from '../core/cidr.ts'

// The kinds of value that keys of the configuration share. What a refinement accepts is said in words in `accepts`.

export const seconds = (minimum: number, maximum: number) => z.number().min(minimum).max(maximum)
export const count = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum)
export const port = z.int().min(1).max(65535)

export const volume = z
  .string()
  .refine((text) => (isAbsolute(text) ? !/[:\0]/.test(text) : /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/.test(text)))
  .meta({ accepts: 'a volume name or an absolute path without a colon' })
export const absolutePath = z
  .string()
  .refine((text) => isAbsolute(text) && !text.includes('\0'))
  .meta({ accepts: 'an absolute path' })
export const engineName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/)
  .meta({ accepts: 'a name of at most 64 letters, digits, _ . and -' })
const networkList = z
  .array(
    z
      .string()
      // IFNAMSIZ is 16 with the terminating zero; '/' cannot be in an interface's name.
      .refine((text) => isCidr(text) || /^[^/\s:]{1,15}$/.test(text)),
  )
  .min(1)
export const access = z
  .union([z.literal('any'), networkList])
  .meta({ accepts: 'any, or a list of interface names and networks such as 192.0.2.0/24' })

export const isTimezone = (zone: string) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

export const isSubnet = (text: string) => {
  const network = parseIpv4Network(text)
  return network !== undefined && network.prefix >= 8 && network.prefix <= 29
}
