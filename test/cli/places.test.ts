import { expect, test } from 'vitest'
import { pathsOf, placeOptions } from '../../src/cli/places.ts'
import { surroundings } from './context.ts'

test('places come from the option, else from the environment, else are the defaults', () => {
  const { context } = surroundings([], {
    env: { OMADA_HOST_RUNTIME_DIR: '/tmp/run', OMADA_HOST_STATE_DIR: '/tmp/lib' },
  })
  expect(pathsOf(context, { runtimeDir: '/x', stateDir: '/y' })).toMatchObject({
    hostControlSocket: '/x/omada-host/control.sock',
    edgeStateDirectory: '/y/omada-host-edge',
  })
  expect(pathsOf(context, {})).toMatchObject({
    edgeStateSocket: '/tmp/run/omada-host-edge/state.sock',
    edgeStateDirectory: '/tmp/lib/omada-host-edge',
  })
  expect(pathsOf(surroundings([]).context, {})).toMatchObject({
    hostStateSocket: '/run/omada-host/state.sock',
    edgeStateDirectory: '/var/lib/omada-host-edge',
  })
})

test('a command that this one starts finds the same places, wherever it stands', () => {
  const { context } = surroundings([])
  expect(placeOptions(context, { runtimeDir: 'run', stateDir: '/y' })).toEqual([
    '--runtime-dir',
    `${process.cwd()}/run`,
    '--state-dir',
    '/y',
  ])
})
