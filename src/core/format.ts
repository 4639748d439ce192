import prettyBytes from 'pretty-bytes'

/** `12345` as `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en')
}

/** `1` as `1 device`, `2` as `2 devices`. */
export function plural(value: number, singular: string, several = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : several}`
}

/** Bytes in decimal units and three digits: `1500` as `1.5 kB`. `?` for what is no number of bytes. */
export function bytes(value: number): string {
  return Number.isFinite(value) ? prettyBytes(value) : '?'
}

/** Whole percent that are done, at most 100, or undefined while nobody knows the total: it is told bit by bit. */
export function percent({ current, total }: { readonly current: number; readonly total: number }): number | undefined {
  return total > 0 ? Math.min(100, Math.floor((100 * current) / total)) : undefined
}

/** A length of time in its two largest units: `3 h 12 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long ago a time in ISO 8601 was: `3 min ago`; `just now` for one to come. `now` is in milliseconds since 1970. */
export function ago(now: number, iso: string): string {
  const age = now - Date.parse(iso)
  if (Number.isNaN(age)) return 'unknown'
  return age < 1000 ? 'just now' : `${duration(age)} ago`
}

/** How long something has been so that began at a time in ISO 8601: `3 min`. */
export function lasting(now: number, iso: string): string {
  const age = now - Date.parse(iso)
  return Number.isNaN(age) ? 'an unknown time' : duration(age)
}

/** A time in ISO 8601 on the wall clock of the machine's time zone: `2026-03-01 10:00:00`. */
export function dateTime(iso: string): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return 'unknown'
  // By hand: toLocaleString takes fifty times as long, and the page has thousands of them.
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`
}

/** A message as a sentence: messages begin in lower case because logs put a prefix before them. */
export function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1)
}
