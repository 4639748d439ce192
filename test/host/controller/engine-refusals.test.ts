import { expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { ApplianceError } from '../../../src/core/errors.ts'
import { addressHolder, failCreate, isStorageDamaged } from '../../../src/host/controller/engine-refusals.ts'
import { emptyRecord } from '../../../src/host/controller/record.ts'

const id = '7d2cb94e9c90cd13011ba430ff1302b6ee3654c2b44e8dd4573974a9d035c0f3'
const said = (message: string) => new ApplianceError({ code: 'ENGINE_REQUEST', message, remedy: '' })

test.each([
  [
    'podman',
    `creating container storage: the container name "omada-controller" is already in use by ${id}. You have to remove that container to be able to reuse that name: that name is already in use`,
  ],
  [
    'docker',
    `Conflict. The container name "/omada-controller" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  ],
])('%s: a name in use is told with the id of who has it', (engine, message) => {
  const config = configSchema.parse({})
  expect(() => failCreate(said(message), { mounts: [] }, config, { record: emptyRecord, engine })).toThrow(
    expect.objectContaining({
      code: 'CONTAINER_NAME_TAKEN',
      message: expect.stringContaining(id.slice(0, 12)),
      remedy: expect.stringContaining(`${engine} rm --force ${id};`),
    }),
  )
})

test.each([
  [
    'mounting storage for container d45b: creating overlay mount to /x/merged, mount_data="lowerdir=…": no such file or directory',
    true,
  ],
  ['mounting storage for container 5985: recreating the missing symlinks: 1 error occurred', true],
  [
    'container create: creating container storage: creating read-write layer with ID "a94e": Stat /var/lib/containers/storage/overlay/3c6e/diff: no such file or directory',
    true,
  ],
  ['layer not known', true],
  ['error creating overlay mount to /var/lib/docker/overlay2/1-init/merged: no such file or directory', true],
  ['mounting storage for container d45b: creating overlay mount to /x/merged: no space left on device', false],
  ['mounting storage for container d45b: creating overlay mount to /x/merged: permission denied', false],
  ['crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied', false],
])('damaged storage: %s', (message, damaged) => {
  expect(isStorageDamaged(said(message))).toBe(damaged)
})

test('who holds an address is known where netavark says it', () => {
  expect(
    addressHolder(said(`IPAM error: requested ip address 10.129.81.10 is already allocated to container ID ${id}`)),
  ).toBe(id)
  expect(addressHolder(said('Address already in use'))).toBeUndefined()
  expect(addressHolder(new Error('x'))).toBeUndefined()
})
