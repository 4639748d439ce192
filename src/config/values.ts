import { isAbsolute } from 'node:path'
import * as z from 'zod'
import { isCidr, parseIpv4Network } from '../core/cidr.ts'
import { parsePeer } from '../core/peer.ts'

// The kinds of value that keys of the configuration share.

export const seconds = (minimum: number, maximum: number) => z.number().min(minimum).max(maximum)
export const count = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum)
export const port = z.int().min(1).max(65535)

/** A text that keeps to `rule`, and what that accepts in words. */
export function text(accepts: string, rule: RegExp | ((value: string) => boolean)) {
  return (rule instanceof RegExp ? z.string().regex(rule) : z.string().refine(rule)).meta({ accepts })
}

/** NUL ends a text in the environment of a process. */
function isValue(value: string): boolean {
  return !value.includes('\0')
}

/** The name in NAME=value. */
function nameIn(item: string): string {
  return item.slice(0, item.indexOf('='))
}

// Podman's API joins the parts of a mount by commas and reads them again as CSV (pkg/api/handlers/compat/
// containers_create.go): what comes after a comma in a path would be an option of it.
export const volume = text('a volume name or an absolute path without a colon, a comma or a quotation mark', (value) =>
  isAbsolute(value) ? !/[:,"\0]/.test(value) : /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/.test(value),
)
export const mountedDirectory = text(
  'an absolute path without a comma or a quotation mark',
  (value) => isAbsolute(value) && !/[,"\0]/.test(value),
)
export const absolutePath = text('an absolute path', (value) => isAbsolute(value) && !value.includes('\0'))
export const engineName = text('a name of at most 64 letters, digits, _ . and -', /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/)
// Node.js takes europe/berlin and +01:00, too; the image looks for a file of that very name, and takes UTC where it finds none.
export const timezone = text('a time zone, spelt as in Europe/Berlin', (zone) => {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions()
    const otherCase = zone !== timeZone && zone.toLowerCase() === timeZone.toLowerCase()
    return !otherCase && /^[A-Z][\w+-]*(?:\/[A-Z][\w+-]*)*$/.test(zone)
  } catch {
    return false
  }
})
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/
/**
 * Variables of a process: a mapping, or compose's list of NAME=value. A number or a truth value is its text: compose does
 * the same.
 */
export const variables = z.union([
  z.record(
    z.string().regex(variableName),
    z.union([z.string(), z.number(), z.boolean()]).transform(String).refine(isValue),
  ),
  z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*=/)
        .refine(isValue),
    )
    .refine((list) => new Set(list.map(nameIn)).size === list.length)
    .transform((list) => Object.fromEntries(list.map((item) => [nameIn(item), item.slice(nameIn(item).length + 1)]))),
])
export const subnet = text('an IPv4 network from /8 to /29, such as 10.129.81.0/24', (value) => {
  const network = parseIpv4Network(value)
  return network !== undefined && network.prefix >= 8 && network.prefix <= 29
})
export const peer = text('an IPv4 address, alone or with a port, such as 192.168.1.5:25', (value) => {
  return parsePeer(value) !== undefined
})
// IFNAMSIZ is 16 with the terminating zero; '/' cannot be in an interface's name.
const networks = z.string().refine((value) => isCidr(value) || /^[^/\s:]{1,15}$/.test(value))
export const access = z
  .union([z.literal('any'), z.array(networks).min(1)])
  .meta({ accepts: 'any, or a list of interface names and networks such as 192.0.2.0/24' })
