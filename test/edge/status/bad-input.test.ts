import { expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { rawConnection, serve } from './serve.ts'

const coded = (code: string) => ({ code, message: expect.any(String), remedy: expect.any(String) })

/** The JSON body of the one response in `text`. */
function bodyOf(text: string): unknown {
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
}

test.for(['/nothing', '/api/v1', '/api/v1/status/', '/favicon.ico', `/${'x'.repeat(2000)}`])(
  'an unknown route is 404: %s',
  async (url) => {
    await using served = await serve()
    const response = await fetch(served.url + url)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual(coded('HTTP_NOT_FOUND'))
  },
)

test.for([
  ['POST', '/', 'GET, HEAD'],
  ['DELETE', '/api/v1/devices', 'GET, HEAD'],
  ['PUT', '/api/v1/status?x=1', 'GET, HEAD'],
  ['OPTIONS', '/readyz', 'GET, HEAD'],
  ['HEAD', '/api/v1/events', 'GET'],
  ['PROPFIND', '/', 'GET, HEAD'],
  ['FOO', '/', 'GET, HEAD'],
] as const)('a method that would write is 405: %s %s', async ([method, url, allow]) => {
  await using served = await serve()
  const body = method === 'HEAD' ? '' : 'Content-Type: text/x-odd\r\nContent-Length: 3\r\n\r\nabc'
  const got = rawConnection(served.port, `${method} ${url} HTTP/1.1\r\nHost: localhost\r\n${body || '\r\n'}`)
  await waitFor(() => expect(got.text).toContain('\r\n\r\n'))
  expect(got.text).toMatch(/^HTTP\/1\.1 405 /)
  expect(got.text.toLowerCase()).toContain(`\r\nallow: ${allow.toLowerCase()}\r\n`)
  if (method !== 'HEAD') expect(bodyOf(got.text)).toEqual(coded('HTTP_METHOD'))
  got.socket.destroy()
})

test('a huge header is 431', async () => {
  await using served = await serve()
  const got = rawConnection(served.port, `GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ${'x'.repeat(100_000)}\r\n\r\n`)
  await waitFor(() => expect(got.closed).toBe(true))
  expect(got.text).toMatch(/^HTTP\/1\.1 431 /)
  expect(bodyOf(got.text)).toEqual(coded('HTTP_REQUEST'))
})

test.for([
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a malformed URL', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two lengths', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
] as const)('%s is 400', async ([, text]) => {
  await using served = await serve()
  const got = rawConnection(served.port, text)
  await waitFor(() => expect(got.text).toMatch(/^HTTP\/1\.1 400 /))
  got.socket.destroy()
  expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
})

test.for([
  ['a client that never sends anything', ''],
  ['a client that sends its headers drop by drop', 'GET / HTTP/1.1\r\nHost: localhost\r\n'],
  ['a client that never sends its body', 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n'],
] as const)('%s is let go', async ([, text]) => {
  await using served = await serve({ timing: { requestMilliseconds: 300 } })
  const got = rawConnection(served.port, text)
  const drip = setInterval(() => got.socket.write(text.endsWith('\r\n\r\n') || text === '' ? '' : 'X: y\r\n'), 50)
  await waitFor(() => expect(got.closed).toBe(true))
  clearInterval(drip)
})

test.for(['evil.example', 'omada.local.evil.example', '8.8.8.8.nip.io', 'evil.example:8090', 'a b', 'x/y', '..'])(
  'a name that may be a web site of somebody else is refused: %s',
  async (host) => {
    await using served = await serve()
    const ask = async (url: string) => {
      const got = rawConnection(served.port, `GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      await waitFor(() => expect(got.closed).toBe(true))
      return got.text
    }
    for (const url of ['/', '/api/v1/status', '/api/v1/devices', '/api/v1/events']) {
      const answer = await ask(url)
      expect(answer).toMatch(/^HTTP\/1\.1 421 /)
      expect(bodyOf(answer)).toEqual(coded('HTTP_HOST'))
      expect(answer).toContain(`http://127.0.0.1:${served.port}/`)
    }
    // Monitoring asks under whatever name it has.
    expect(await ask('/healthz')).toMatch(/^HTTP\/1\.1 200 /)
  },
)

test.for([
  'omada.local:8090',
  'omada',
  'localhost:8090',
  '192.168.0.2',
  '[fe80::1]:8090',
  'OMADA.Home.Arpa.',
  'box.lan',
])('this machine may be asked for as %s', async (host) => {
  await using served = await serve()
  const got = rawConnection(served.port, `GET /api/v1/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await waitFor(() => expect(got.closed).toBe(true))
  expect(got.text).toMatch(/^HTTP\/1\.1 200 /)
})
