import { expect, it } from 'vitest'
import { parseInfo } from '../../src/omada/info-api.ts'

const answer = (result: unknown, errorCode: unknown = 0) => JSON.stringify({ errorCode, msg: 'Success.', result })

it('reads error code, version and id', () => {
  const result = {
    controllerVer: '5.9.31',
    apiVer: '3',
    configured: true,
    omadacId: '732e7e59fdc6b8cd9ddc00112fa5fa0b',
  }
  expect(parseInfo(answer(result))).toEqual({
    errorCode: 0,
    version: '5.9.31',
    omadacId: '732e7e59fdc6b8cd9ddc00112fa5fa0b',
  })
})

it('keeps the error code of a controller that is not well', () => {
  expect(parseInfo('{"errorCode":-1,"msg":"General error."}')).toEqual({ errorCode: -1 })
})

it.each(['', '<html></html>', 'null', '[]', '{}', '{"errorCode":"0"}', '{"errorCode":0.5}', '{"errorCode":0'])(
  'takes %j for no answer of this API',
  (body) => {
    expect(parseInfo(body)).toBeUndefined()
  },
)

it('takes an unsupported path for a path that does not exist', () => {
  expect(parseInfo('{"errorCode":-1600,"msg":"Unsupported request path."}')).toBeUndefined()
})

it.each([
  { controllerVer: '\u001b[31m6.2', omadacId: '../x' },
  { controllerVer: 6, omadacId: {} },
  { controllerVer: 'x'.repeat(65), omadacId: 'y'.repeat(65) },
  'text',
  null,
])('leaves out what does not look like a version or an id: %j', (result) => {
  expect(parseInfo(answer(result))).toEqual({ errorCode: 0 })
})
