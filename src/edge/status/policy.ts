import { hash } from 'node:crypto'
import { browserText } from '../../core/browser-text.ts'

/** What stands in the page itself, so that it needs nothing else. */
export const style = browserText(new URL('page/page.css', import.meta.url))
export const script = browserText(new URL('page/main.ts', import.meta.url))

const digest = (text: string) => hash('sha256', text, 'base64')

/** What the page may do: run this script and this style, talk to its own server, and nothing else. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'sha256-${digest(script)}'`,
  `style-src 'sha256-${digest(style)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** On every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
