import type { Fault } from '../core/errors.ts'

/** A configuration that was refused: its text, its value where that is YAML, and the file's path for messages. */
interface Refused {
  readonly text: string
  readonly value: unknown
  readonly path: string
}

/**
 * The one thing to say of a refused configuration whose many faults have one cause: an invisible character in the place of
 * a space, or another kind of file. Undefined where there is no such cause. Pure.
 */
export function foreignFault(refused: Refused): Fault | undefined {
  return invisibleFault(refused) ?? kindFault(refused)
}

/** Characters that look like a space or like nothing at all, but are no space to YAML. */
const invisible = /[\p{Zs}\p{Zl}\p{Zp}\p{Cf}]/u

const names: Readonly<Record<string, string>> = {
  '00A0': 'no-break space',
  '200B': 'zero width space',
  '202F': 'narrow no-break space',
  FEFF: 'zero width no-break space',
}

/** Of the first invisible character that stands before a quote or a comment of its line, where one can only be a slip. */
function invisibleFault({ text, path }: Refused): Fault | undefined {
  // YAML takes one byte order mark.
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const part = line.replaceAll(' ', '_').split(/["'#]/)[0] ?? ''
    const found = invisible.exec(part)
    if (found === null) continue
    const point = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    const name = names[point] === undefined ? '' : ` (${names[point]})`
    return {
      code: 'CONFIG_SYNTAX',
      message: `${path}, line ${index + 1}, column ${found.index + 1}: the invisible character U+${point}${name} is no space to YAML`,
      remedy: `type that line anew, with spaces; this shows every such character: grep -nP '[^\\x00-\\x7F]' ${path}`,
    }
  }
  return undefined
}

function kindFault({ text, value, path }: Refused): Fault | undefined {
  const start = text.replace(/^[\uFEFF\s]+/, '').slice(0, 200)
  if (/^<(?:!doctype\s+html|html|head|body)\b/i.test(start)) {
    return other(path, 'a web page', 'download the file itself, not the page that shows it (on GitHub: Raw)')
  }
  if (/^<(?:\?xml\b|[a-z!])/i.test(start)) return other(path, 'XML', rightFile)
  if (/^\[[A-Z][A-Za-z]*\]\s*$/m.test(start) && /^\[/.test(start.replace(/^(?:[#;].*\n|\n)*/, ''))) {
    return other(path, 'a unit of systemd or Podman (Quadlet)', bringOver('Image=, Environment= and Volume='))
  }
  if (/^(?:\S*[#$]\s+)?(?:sudo\s+)?(?:docker|podman)\s+(?:run|create)\b/.test(start)) {
    return other(path, 'a command line', bringOver('the image, -e and -v'))
  }
  if (isMapping(value) && Object.values(value.services ?? {}).some((service) => isService(service))) {
    return other(path, 'a compose file (it has services)', bringOver('image, environment and volumes'))
  }
  if (isMapping(value) && 'apiVersion' in value && 'kind' in value) {
    return other(path, 'a Kubernetes manifest', bringOver('image, env and volumeMounts'))
  }
  return undefined
}

const rightFile = 'name the right file with --config; omada-host config show prints the form of a configuration'

/** How the settings of another kind of file become ours. */
function bringOver(what: string): string {
  return `keep it as it is, and write a file of its own for omada-host from its ${what}: controller.image; controller.environment, without ports and TZ; and of what is mounted at …/data controller.dataVolume, at …/logs controller.logsVolume, at /cert controller.certificateDirectory`
}

function other(path: string, kind: string, remedy: string): Fault {
  return { code: 'CONFIG_SYNTAX', message: `${path} is ${kind}, not a configuration of omada-host`, remedy }
}

function isService(value: unknown): boolean {
  return isMapping(value) && ('image' in value || 'build' in value)
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
