import { type Html, html } from './html.ts'

const counts = new Intl.NumberFormat('en')
const sizes = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `12345` as `12,345`. */
export function count(value: number): string {
  return counts.format(value)
}

/** `1` as `1 device`, `2` as `2 devices`. */
export function plural(value: number, singular: string, several = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : several}`
}

/** Bytes in decimal units: `1500` as `1.5 kB`. */
export function bytes(value: number): string {
  let scaled = value
  let unit = 0
  while (scaled >= 999.95 && unit < units.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${sizes.format(scaled)} ${units[unit]}`
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

const clockTime = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' })

/** A time of the wall clock in the machine's time zone: `2026-03-01 10:00:00`. */
export function dateTime(iso: string): string {
  const at = Date.parse(iso)
  return Number.isNaN(at) ? 'unknown' : clockTime.format(at)
}

/** How long ago something was, with the time itself as the title. `now` is in milliseconds since 1970. */
export function ago(now: number, iso: string): Html {
  const age = now - Date.parse(iso)
  if (Number.isNaN(age)) return html`unknown`
  return timed(iso, age < 1000 ? 'just now' : `${duration(age)} ago`)
}

/** How long something has been so, with the time of its beginning as the title. */
export function lasting(now: number, iso: string): Html {
  const age = now - Date.parse(iso)
  return Number.isNaN(age) ? html`an unknown time` : timed(iso, duration(age))
}

function timed(iso: string, text: string): Html {
  return html`<time datetime="${iso}" title="${dateTime(iso)}">${text}</time>`
}
