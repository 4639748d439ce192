/** A mounted file system, as /proc/self/mountinfo tells of it (proc(5)). */
export interface Mount {
  readonly point: string
  /** `major:minor`, in decimal. */
  readonly device: string
  /** Such as `ext4`, `vfat`, `cifs`. */
  readonly type: string
  /** What is mounted: a device, a server's export. */
  readonly source: string
  /** The file system itself is: what only this process sees read-only (ProtectSystem=strict) is not. */
  readonly readOnly: boolean
}

/** The mount that holds `path`, of the text of /proc/self/mountinfo; of two on one point the later one, which is seen. */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let best: Mount | undefined
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const [, , device = '', , escaped = ''] = before.split(' ')
    const [type = '', source = '', superOptions = ''] = after.split(' ')
    const point = unescaped(escaped)
    const inside = path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`)
    if (point === '' || !inside || point.length < (best?.point.length ?? 0)) continue
    const readOnly = superOptions.split(',').includes('ro')
    best = { point, device, type, source: unescaped(source), readOnly }
  }
  return best
}

/** Spaces and the like are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
