import { vi } from 'vitest'

/**
 * Tries until `check` throws no more and returns its value: Vitest's own `waitFor`, with a deadline that a busy machine
 * keeps, too. Times are in milliseconds.
 */
export const waitFor = <T>(check: () => T | Promise<T>, options: { timeout?: number; interval?: number } = {}) =>
  vi.waitFor(check, { timeout: 20_000, ...options })
