import { expect, test } from 'vitest'
import { faultsOf } from './faults.ts'

const uri = 'mongodb://omada:S3cret@192.0.2.53/omada'

// A text that is refused is printed by `config check` and goes to the journal.
test.each([
  ['in the place of the section', `mongo: ${uri}`],
  ['in the place of the section, without a space', `mongo:\n  uri:${uri}`],
  ['in the place of the section, as a list', `mongo: ["${uri}"]`],
  ['in the place of the whole file', uri],
  ['as the name of a key', `mongo: {"${uri}": 1}`],
  ['as the name of a section', `"${uri}": 1`],
  ['as a name that is there twice', `mongo: {"${uri}": 1, "${uri}": 2}`],
  ['at another key', `log: {level: "${uri}"}`],
  ['at another key, in an option', 'log: {level: "mongodb://db/omada?proxyPassword=S3cret"}'],
  ['at another key, in a list', `access: {devices: ["${uri}", 1]}`],
  ['at the image', 'controller: {image: "https://user:S3cret@registry.example/omada"}'],
  ['at a key that is not there', `mongo: {url: "${uri}"}`],
  ['as an alias', 'controller: {environment: {PASSWORD: *S3cret}}'],
  ['as a tag', 'controller: {environment: {PASSWORD: !S3cret x}}'],
  ['as a verbatim tag', 'controller: {environment: {PASSWORD: !<S3cret> x}}'],
  ['as a directive', '%S3cret\n---\n'],
  ['as a block', 'controller:\n  environment:\n    PASSWORD: |S3cret\n      x'],
  ['after a quoted one', '- a\nb: S3cret'],
])('a secret %s is not printed', (_, text) => {
  const told = JSON.stringify(faultsOf(text))
  expect(told).not.toContain('S3cret')
})

test('of what stands in the place of a section the kind is told', () => {
  expect(faultsOf(`mongo: ${uri}`)).toEqual([
    {
      code: 'CONFIG_INVALID',
      message: 'mongo (/c.yaml:1) is a text (not shown: it may be a secret); accepted: keys and values below it',
      remedy: 'indent the keys of mongo below it: omada-host config show prints the form',
    },
  ])
})

test('a name or a value is shown without the credentials in it, and else as it is', () => {
  const [fault] = faultsOf('controller: {image: "https://user:S3cret@registry.example/omada"}')
  expect(fault?.message).toContain('is "https://…@registry.example/omada"; accepted')
  expect(faultsOf('log: {level: "me@home"}')[0]?.message).toContain('is "me@home"')
})
