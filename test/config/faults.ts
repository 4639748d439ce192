import type { Environment } from '../../src/config/environment.ts'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { ApplianceErrors, type Fault } from '../../src/core/errors.ts'

/** Loads a text as the file /c.yaml. */
export function load(text?: string, env: Environment = {}): LoadedConfig {
  return loadConfig({ path: '/c.yaml', env, text })
}

/** Every fault of a text that must not be accepted. */
export function faultsOf(text: string, env: Environment = {}): readonly Fault[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof ApplianceErrors) return error.faults
    throw error
  }
  throw new Error(`this was accepted: ${text}`)
}

/** `CODE message` of every fault. */
export function messagesOf(text: string, env: Environment = {}): string[] {
  return faultsOf(text, env).map(({ code, message }) => `${code} ${message}`)
}
