import { expect, test } from 'vitest'
import { chosenForContainer } from '../../src/config/chosen.ts'
import { loadConfig } from '../../src/config/load.ts'

const chosen = (text: string, env: Record<string, string> = {}) =>
  chosenForContainer(loadConfig({ path: '/c.yaml', text, env }))

test('what the user chose for the container is told, also where it is the default', () => {
  const text = 'controller: { image: "docker.io/mbentley/omada-controller:6.2", pull: always }\nstatus: { port: 8091 }'
  expect(chosen(text, { OMADA_HOST_MONGO_URI: 'mongodb://db/omada' })).toEqual({
    'controller.image': 'docker.io/mbentley/omada-controller:6.2',
    'mongo.uri': 'mongodb://db/omada',
  })
})

test('defaults are no choice', () => {
  expect(chosen('')).toEqual({})
})
